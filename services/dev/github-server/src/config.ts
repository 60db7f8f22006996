import { readConfig } from '@codex-k8s/runtime';
import { z } from 'zod';

export const Config = z
  .object({
    CODEXK8S_GITHUB_SERVER_PORT: z.coerce.number().int().min(0).max(65_535).default(9080),
    CODEXK8S_GITHUB_SERVER_HOST: z.string().default('127.0.0.1'),
    CODEXK8S_GITHUB_SERVER_DATA_DIR: z.string().default('.codexk8s/github-server'),
    CODEXK8S_GITHUB_SERVER_PUBLIC_URL: z.url().optional(),
    CODEXK8S_GITHUB_SERVER_SEED: z.string().optional(),
    CODEXK8S_LOG_LEVEL: z.string().default('info'),
  })
  .transform((env) => ({
    port: env.CODEXK8S_GITHUB_SERVER_PORT,
    host: env.CODEXK8S_GITHUB_SERVER_HOST,
    dataDir: env.CODEXK8S_GITHUB_SERVER_DATA_DIR,
    publicUrl: env.CODEXK8S_GITHUB_SERVER_PUBLIC_URL,
    /** A JSON file with the Seed to apply at start. */
    seedFile: env.CODEXK8S_GITHUB_SERVER_SEED,
    logLevel: env.CODEXK8S_LOG_LEVEL,
  }));
export type Config = z.infer<typeof Config>;

export function configFromEnvironment(): Config {
  return readConfig(Config, process.env);
}

/** Where git is found: the one thing its processes inherit. */
export function executableSearchPath(): string {
  return process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}
