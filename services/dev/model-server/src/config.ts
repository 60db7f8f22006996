import { z } from 'zod';

export const Config = z
  .object({
    CODEXK8S_HTTP_HOST: z.string().default('127.0.0.1'),
    CODEXK8S_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(4010),
    CODEXK8S_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .transform((env) => ({ host: env.CODEXK8S_HTTP_HOST, port: env.CODEXK8S_HTTP_PORT, logLevel: env.CODEXK8S_LOG_LEVEL }));
export type Config = z.infer<typeof Config>;

export const environment: Readonly<Record<string, string | undefined>> = process.env;
