import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { labelTextsOf } from '@codex-k8s/domain';
import { z } from 'zod';
import { kubernetesSettings, kubernetesVariables, list } from './kubernetes-config.ts';

const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback);

export const Config = z
  .object({
    CODEXK8S_ENV: z.string().default('production'),
    CODEXK8S_LOG_LEVEL: z.string().default('info'),
    OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
    CODEXK8S_HTTP_HOST: z.string().default('0.0.0.0'),
    CODEXK8S_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(8082),
    CODEXK8S_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
    CODEXK8S_DB_URL: z.string().min(1),
    CODEXK8S_GITHUB_BASE_URL: z.url().default('https://api.github.com'),
    CODEXK8S_PUBLIC_BASE_URL: z.url(),
    CODEXK8S_CONTROL_PLANE_URL: z.url(),
    CODEXK8S_TOKEN_ENCRYPTION_KEY: z.string().min(64),
    CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS: list,
    CODEXK8S_MCP_TOKEN_SIGNING_KEY: z.string().min(32),
    CODEXK8S_MCP_TOKEN_TTL: seconds(86_400),
    CODEXK8S_RUNTIME: z.enum(['local', 'kubernetes']).default('kubernetes'),
    CODEXK8S_DATA_DIR: z.string().default('.codexk8s'),
    CODEXK8S_AGENT_RUNNER_PATH: z.string().optional(),
    CODEXK8S_TRIAL_AGENT_PATH: z.string().optional(),
    CODEXK8S_CODEX_PATH: z.string().optional(),
    CODEXK8S_MODEL_BASE_URL: z.url({
      protocol: /^https?$/,
      error: 'needed: the address where agents reach their model, such as https://api.openai.com/v1',
    }),
    CODEXK8S_MODEL_API_KEY: z.string().optional(),
    CODEXK8S_AGENT_DEFAULT_LOCALE: z.enum(['en', 'ru']).default('ru'),
    CODEXK8S_WORKER_ID: z.string().optional(),
    CODEXK8S_WORKER_POLL_INTERVAL: seconds(5),
    CODEXK8S_WORKER_SLOTS_PER_PROJECT: z.coerce.number().int().positive().default(2),
    CODEXK8S_WORKER_SLOT_LEASE_TTL: seconds(60),
    CODEXK8S_WORKER_HEARTBEAT_TIMEOUT: seconds(120),
    CODEXK8S_WORKER_REDELIVERY_INTERVAL: seconds(60),
    CODEXK8S_RUN_WORKSPACE_KEEP_SECONDS: z.coerce.number().int().min(0).default(3_600),
    CODEXK8S_RUN_NAMESPACE_TTL: z.coerce.number().int().min(0).default(86_400),
    CODEXK8S_RUN_AGENT_LOGS_RETENTION_DAYS: z.coerce.number().int().positive().default(14),
    CODEXK8S_WEBHOOK_RETENTION_DAYS: z.coerce.number().int().positive().default(30),
    CODEXK8S_OWNER_REVIEW_EXPIRES_SECONDS: seconds(30 * 86_400),
    CODEXK8S_WORKER_RUN_START_TIMEOUT: seconds(600),
    ...kubernetesVariables,
  })
  .catchall(z.string())
  .transform((env) => ({
    environment: env.CODEXK8S_ENV,
    logLevel: env.CODEXK8S_LOG_LEVEL,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    host: env.CODEXK8S_HTTP_HOST,
    port: env.CODEXK8S_HTTP_PORT,
    metricsPort: env.CODEXK8S_METRICS_PORT,
    dbUrl: env.CODEXK8S_DB_URL,
    githubApiUrl: env.CODEXK8S_GITHUB_BASE_URL,
    publicUrl: env.CODEXK8S_PUBLIC_BASE_URL,
    controlPlaneUrl: env.CODEXK8S_CONTROL_PLANE_URL,
    encryptionKeys: [env.CODEXK8S_TOKEN_ENCRYPTION_KEY, ...env.CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS],
    runTokenKey: env.CODEXK8S_MCP_TOKEN_SIGNING_KEY,
    runTokenTtlSec: env.CODEXK8S_MCP_TOKEN_TTL,
    runtime: env.CODEXK8S_RUNTIME,
    dataDir: resolve(env.CODEXK8S_DATA_DIR),
    agentRunnerPath: env.CODEXK8S_AGENT_RUNNER_PATH,
    trialAgentPath: env.CODEXK8S_TRIAL_AGENT_PATH,
    codexPath: env.CODEXK8S_CODEX_PATH,
    modelBaseUrl: env.CODEXK8S_MODEL_BASE_URL,
    modelApiKey: env.CODEXK8S_MODEL_API_KEY,
    defaultLocale: env.CODEXK8S_AGENT_DEFAULT_LOCALE,
    workerId: env.CODEXK8S_WORKER_ID ?? `${hostname()}/${process.pid}/${Date.now().toString(36)}`,
    pollMs: env.CODEXK8S_WORKER_POLL_INTERVAL * 1000,
    slotsPerProject: env.CODEXK8S_WORKER_SLOTS_PER_PROJECT,
    leaseSec: env.CODEXK8S_WORKER_SLOT_LEASE_TTL,
    heartbeatTimeoutSec: env.CODEXK8S_WORKER_HEARTBEAT_TIMEOUT,
    redeliveryMs: env.CODEXK8S_WORKER_REDELIVERY_INTERVAL * 1000,
    workspaceKeepSec: env.CODEXK8S_RUN_WORKSPACE_KEEP_SECONDS,
    namespaceTtlSec: env.CODEXK8S_RUN_NAMESPACE_TTL,
    logRetentionDays: env.CODEXK8S_RUN_AGENT_LOGS_RETENTION_DAYS,
    deliveryRetentionDays: env.CODEXK8S_WEBHOOK_RETENTION_DAYS,
    reviewExpiresSec: env.CODEXK8S_OWNER_REVIEW_EXPIRES_SECONDS,
    startTimeoutSec: env.CODEXK8S_WORKER_RUN_START_TIMEOUT,
    kubernetes: kubernetesSettings(env),
    labelTexts: labelTextsOf(env),
  }));
export type Config = z.infer<typeof Config>;

export function environment(): NodeJS.ProcessEnv {
  return process.env;
}
