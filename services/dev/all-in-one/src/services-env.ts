import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { demo } from './demo-seed.ts';
import type { Ports } from './ports.ts';
import type { TrialSecrets } from './secrets.ts';

/** Which program the agents are, and what answers them. */
export interface AgentChoice {
  readonly program: 'trial' | 'codex';
  readonly model: string;
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** The scripted model answers, not an AI. */
  readonly scripted: boolean;
}

export interface TrialLayout {
  readonly dataDir: string;
  /** Address of every listener; loopback unless pods of a cluster must reach it. */
  readonly host?: string;
  readonly ports: Ports;
  readonly secrets: TrialSecrets;
  readonly agent: AgentChoice;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
}

const loopback = '127.0.0.1';

export function urlsOf({ ports, host = loopback }: Pick<TrialLayout, 'ports' | 'host'>) {
  const github = `http://${host}:${ports.github}`;
  return {
    gateway: `http://${host}:${ports.gateway}`,
    github,
    githubApi: `${github}/api/v3`,
    model: `http://${host}:${ports.model}`,
    controlPlane: `http://${host}:${ports.controlPlane}`,
  };
}

/** The variables each service reads, exactly as they would be set in a deployment; what the user set in the environment stays. */
export function servicesEnv({ dataDir, host = loopback, ports, secrets, agent, environment }: TrialLayout) {
  const urls = urlsOf({ ports, host });
  const own = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => /^(CODEXK8S|OTEL)_/.test(entry[0]) && entry[1] !== undefined),
  );
  const shared = {
    ...own,
    CODEXK8S_ENV: 'local',
    CODEXK8S_RUNTIME: own['CODEXK8S_RUNTIME'] ?? 'local',
    CODEXK8S_HTTP_HOST: host,
    CODEXK8S_DB_URL: own['CODEXK8S_DB_URL'] ?? `pglite:${join(dataDir, 'database')}`,
    CODEXK8S_DATA_DIR: dataDir,
    CODEXK8S_PUBLIC_BASE_URL: urls.gateway,
    CODEXK8S_CONTROL_PLANE_URL: urls.controlPlane,
    CODEXK8S_CONTROL_PLANE_MCP_BASE_URL: `${urls.controlPlane}/mcp`,
    CODEXK8S_GITHUB_BASE_URL: urls.githubApi,
    CODEXK8S_GITHUB_WEB_URL: urls.github,
    CODEXK8S_GITHUB_WEBHOOK_SECRET: secrets.webhookSecret,
    CODEXK8S_TOKEN_ENCRYPTION_KEY: secrets.encryptionKey,
    CODEXK8S_JWT_SIGNING_KEY: secrets.jwtKey,
    CODEXK8S_MCP_TOKEN_SIGNING_KEY: secrets.runTokenKey,
    CODEXK8S_INTERNAL_API_TOKEN: secrets.internalToken,
    CODEXK8S_BOOTSTRAP_OWNER_EMAIL: demo.ownerEmail,
    CODEXK8S_AGENT_PROGRAM: agent.program,
    CODEXK8S_AGENT_DEFAULT_MODEL: agent.model,
    CODEXK8S_AGENT_DEFAULT_LOCALE: own['CODEXK8S_AGENT_DEFAULT_LOCALE'] ?? 'en',
    CODEXK8S_MODEL_SCRIPTED: String(agent.scripted),
    CODEXK8S_MODEL_BASE_URL: agent.baseUrl,
  };
  const metricsPort = (offset: number) => metricsPortOf(own['CODEXK8S_METRICS_PORT'], offset);
  return {
    controlPlane: { ...shared, ...metricsPort(1), CODEXK8S_HTTP_PORT: String(ports.controlPlane) },
    gateway: {
      ...shared,
      ...metricsPort(0),
      CODEXK8S_HTTP_PORT: String(ports.gateway),
      CODEXK8S_COOKIE_SECURE: 'false',
      CODEXK8S_GITHUB_OAUTH_CLIENT_ID: 'codex-k8s-trial',
      CODEXK8S_GITHUB_OAUTH_CLIENT_SECRET: secrets.oauthSecret,
      CODEXK8S_GITHUB_OAUTH_AUTHORIZE_URL: `${urls.github}/login/oauth/authorize?login=${demo.owner}&auto=1`,
      CODEXK8S_GITHUB_OAUTH_TOKEN_URL: `${urls.github}/login/oauth/access_token`,
      CODEXK8S_CONSOLE_DIR: pathOf('staff/web-console/dist'),
    },
    worker: {
      ...shared,
      ...metricsPort(2),
      CODEXK8S_HTTP_PORT: String(ports.worker),
      CODEXK8S_WORKER_POLL_INTERVAL: own['CODEXK8S_WORKER_POLL_INTERVAL'] ?? '1',
      CODEXK8S_WORKER_SLOT_LEASE_TTL: own['CODEXK8S_WORKER_SLOT_LEASE_TTL'] ?? '15',
      CODEXK8S_WORKER_HEARTBEAT_TIMEOUT: own['CODEXK8S_WORKER_HEARTBEAT_TIMEOUT'] ?? '30',
      CODEXK8S_AGENT_RUNNER_PATH: pathOf('jobs/agent-runner/src/main.ts'),
      CODEXK8S_TRIAL_AGENT_PATH: pathOf('dev/trial-agent/src/main.ts'),
      ...(agent.apiKey !== undefined && { CODEXK8S_MODEL_API_KEY: agent.apiKey }),
    },
  };
}

/** Three services of one process cannot share a port: the given one, and the two after it. */
function metricsPortOf(given: string | undefined, offset: number): { CODEXK8S_METRICS_PORT?: string } {
  const first = Number(given ?? 0);
  return first > 0 ? { CODEXK8S_METRICS_PORT: String(first + offset) } : {};
}
