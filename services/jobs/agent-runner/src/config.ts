import { resolve } from 'node:path';
import { Secret } from '@codex-k8s/runtime';
import { z } from 'zod';

export const Config = z
  .object({
    CODEXK8S_RUN_ID: z.uuid(),
    CODEXK8S_CORRELATION_ID: z.string().default(''),
    CODEXK8S_CONTROL_PLANE_URL: z.url({ protocol: /^https?$/ }),
    CODEXK8S_RUN_TOKEN: z.string().min(1),
    CODEXK8S_RUN_DIR: z.string().min(1),
    CODEXK8S_MODEL_BASE_URL: z.url({ protocol: /^https?$/ }),
    CODEXK8S_MODEL_API_KEY: z.string().optional(),
    CODEXK8S_TRIAL_AGENT_PATH: z.string().optional(),
    CODEXK8S_CODEX_PATH: z.string().default('codex'),
    CODEXK8S_AGENT_KUBECONFIG: z.string().optional(),
    CODEXK8S_HEARTBEAT_SECONDS: z.coerce.number().positive().default(5),
    CODEXK8S_SNAPSHOT_SECONDS: z.coerce.number().positive().default(60),
    CODEXK8S_LOG_LEVEL: z.enum(['silent', 'debug', 'info', 'warn', 'error']).default('info'),
    OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
    TRACEPARENT: z.string().optional(),
  })
  .transform((env) => ({
    runId: env.CODEXK8S_RUN_ID,
    correlationId: env.CODEXK8S_CORRELATION_ID,
    controlPlaneUrl: env.CODEXK8S_CONTROL_PLANE_URL,
    runToken: new Secret(env.CODEXK8S_RUN_TOKEN),
    runDir: resolve(env.CODEXK8S_RUN_DIR),
    modelBaseUrl: env.CODEXK8S_MODEL_BASE_URL,
    modelApiKey: env.CODEXK8S_MODEL_API_KEY === undefined ? undefined : new Secret(env.CODEXK8S_MODEL_API_KEY),
    trialAgentPath: env.CODEXK8S_TRIAL_AGENT_PATH,
    codexPath: env.CODEXK8S_CODEX_PATH,
    agentKubeconfig: env.CODEXK8S_AGENT_KUBECONFIG,
    heartbeatMs: env.CODEXK8S_HEARTBEAT_SECONDS * 1000,
    snapshotMs: env.CODEXK8S_SNAPSHOT_SECONDS * 1000,
    logLevel: env.CODEXK8S_LOG_LEVEL,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    traceparent: env.TRACEPARENT,
  }));
export type Config = z.infer<typeof Config>;

/** The runner's own environment; what an agent gets of it is decided in agent-environment.ts. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;
