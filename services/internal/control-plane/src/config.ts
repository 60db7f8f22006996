import { labelTextsOf } from '@codex-k8s/domain';
import { z } from 'zod';

const hexKey = z.string().regex(/^[0-9a-f]{64}$/i, '64 hex digits');
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  );
const flag = z.stringbool();

export const Config = z
  .object({
    CODEXK8S_ENV: z.string().default('production'),
    CODEXK8S_HTTP_HOST: z.string().default('0.0.0.0'),
    CODEXK8S_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(8081),
    CODEXK8S_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
    CODEXK8S_DRAIN_SECONDS: z.coerce.number().int().min(0).max(15).default(0), // a stop is ended after 20 s
    CODEXK8S_LOG_LEVEL: z.string().default('info'),
    OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
    CODEXK8S_DB_URL: z.string().regex(/^(postgres(ql)?:\/\/|pglite:)/, 'postgres://… or pglite:<folder>'),
    CODEXK8S_DB_READ_URL: z.string().optional(),
    CODEXK8S_GITHUB_BASE_URL: z.url().default('https://api.github.com'),
    CODEXK8S_GITHUB_WEB_URL: z.url().default('https://github.com'),
    CODEXK8S_GITHUB_WEBHOOK_SECRET: z.string().min(16),
    CODEXK8S_GITHUB_WEBHOOK_URL: z.url().optional(),
    CODEXK8S_PUBLIC_BASE_URL: z.url(),
    CODEXK8S_TOKEN_ENCRYPTION_KEY: hexKey,
    CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS: list,
    CODEXK8S_JWT_SIGNING_KEY: z.string().min(32),
    CODEXK8S_MCP_TOKEN_SIGNING_KEY: z.string().min(32),
    CODEXK8S_MCP_TOKEN_TTL: z.coerce.number().int().positive().default(86_400),
    CODEXK8S_INTERNAL_API_TOKEN: z.string().min(32),
    CODEXK8S_CONTROL_PLANE_MCP_BASE_URL: z.url(),
    CODEXK8S_MCP_WAIT_INLINE_SECONDS: z.coerce.number().int().min(0).max(280).default(25),
    CODEXK8S_FEEDBACK_EXPIRES_SECONDS: z.coerce
      .number()
      .int()
      .positive()
      .default(7 * 86_400),
    CODEXK8S_BOOTSTRAP_OWNER_EMAIL: z.email().optional(),
    CODEXK8S_BOOTSTRAP_ALLOWED_EMAILS: list,
    CODEXK8S_BOOTSTRAP_PLATFORM_ADMIN_EMAILS: list,
    CODEXK8S_AGENT_PROGRAM: z.enum(['trial', 'codex']).default('codex'),
    CODEXK8S_AGENT_DEFAULT_MODEL: z.string().default('gpt-5.3-codex'),
    CODEXK8S_AGENT_DEFAULT_LOCALE: z.enum(['en', 'ru']).default('ru'),
    CODEXK8S_MODEL_SCRIPTED: flag.default(false),
    CODEXK8S_MODEL_BASE_URL: z.string().optional(),
    CODEXK8S_LEARNING_MODE_DEFAULT: z
      .string()
      .default('')
      .transform((text) => text.trim().toLowerCase() === 'true'),
    CODEXK8S_DIRECT_DEV_DEFAULT: flag.default(true),
    CODEXK8S_RUNTIME: z.enum(['local', 'kubernetes']).default('kubernetes'),
    CODEXK8S_KUBECONFIG: z.string().min(1).optional(),
    CODEXK8S_GIT_BOT_USERNAME: z.string().default('codex-bot'),
    CODEXK8S_GIT_BOT_MAIL: z.string().default('codex-bot@users.noreply.github.com'),
    CODEXK8S_RUN_LOG_MAX_BYTES: z.coerce
      .number()
      .int()
      .positive()
      .default(16 * 1024 * 1024),
    CODEXK8S_WEBHOOK_REPLAY_WINDOW_SECONDS: z.coerce.number().int().min(0).default(300),
  })
  .catchall(z.string())
  .transform((env) => ({
    environment: env.CODEXK8S_ENV,
    host: env.CODEXK8S_HTTP_HOST,
    port: env.CODEXK8S_HTTP_PORT,
    metricsPort: env.CODEXK8S_METRICS_PORT,
    drainSec: env.CODEXK8S_DRAIN_SECONDS,
    logLevel: env.CODEXK8S_LOG_LEVEL,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    dbUrl: env.CODEXK8S_DB_URL,
    dbReadUrl: env.CODEXK8S_DB_READ_URL,
    githubApiUrl: env.CODEXK8S_GITHUB_BASE_URL,
    githubWebUrl: env.CODEXK8S_GITHUB_WEB_URL,
    webhookSecret: env.CODEXK8S_GITHUB_WEBHOOK_SECRET,
    webhookUrl: env.CODEXK8S_GITHUB_WEBHOOK_URL ?? `${env.CODEXK8S_PUBLIC_BASE_URL}/api/v1/webhooks/github`,
    publicUrl: env.CODEXK8S_PUBLIC_BASE_URL,
    encryptionKeys: [env.CODEXK8S_TOKEN_ENCRYPTION_KEY, ...env.CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS],
    jwtKey: env.CODEXK8S_JWT_SIGNING_KEY,
    runTokenKey: env.CODEXK8S_MCP_TOKEN_SIGNING_KEY,
    runTokenTtlSec: env.CODEXK8S_MCP_TOKEN_TTL,
    internalToken: env.CODEXK8S_INTERNAL_API_TOKEN,
    mcpUrl: env.CODEXK8S_CONTROL_PLANE_MCP_BASE_URL,
    inlineWaitSec: env.CODEXK8S_MCP_WAIT_INLINE_SECONDS,
    feedbackExpiresSec: env.CODEXK8S_FEEDBACK_EXPIRES_SECONDS,
    ownerEmail: env.CODEXK8S_BOOTSTRAP_OWNER_EMAIL,
    allowedEmails: env.CODEXK8S_BOOTSTRAP_ALLOWED_EMAILS,
    adminEmails: env.CODEXK8S_BOOTSTRAP_PLATFORM_ADMIN_EMAILS,
    agentProgram: env.CODEXK8S_AGENT_PROGRAM,
    agentModel: env.CODEXK8S_AGENT_DEFAULT_MODEL,
    defaultLocale: env.CODEXK8S_AGENT_DEFAULT_LOCALE,
    modelScripted: env.CODEXK8S_MODEL_SCRIPTED,
    modelBaseUrl: env.CODEXK8S_MODEL_BASE_URL,
    learningMode: env.CODEXK8S_LEARNING_MODE_DEFAULT,
    directDev: env.CODEXK8S_DIRECT_DEV_DEFAULT,
    runtime: env.CODEXK8S_RUNTIME,
    kubeconfig: env.CODEXK8S_KUBECONFIG,
    gitUser: { name: env.CODEXK8S_GIT_BOT_USERNAME, email: env.CODEXK8S_GIT_BOT_MAIL },
    runLogMaxBytes: env.CODEXK8S_RUN_LOG_MAX_BYTES,
    replayWindowSec: env.CODEXK8S_WEBHOOK_REPLAY_WINDOW_SECONDS,
    labelTexts: labelTextsOf(env),
  }));
export type Config = z.infer<typeof Config>;

export function environment(): NodeJS.ProcessEnv {
  return process.env;
}
