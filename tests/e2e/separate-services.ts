/** The platform as a deployment has it: every service a process of its own, over a real PostgreSQL, each of which can be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startGithubServer, type GithubServer, type Seed } from '@codex-k8s/github-server';
import { signToken } from '@codex-k8s/http';
import { startModelServer } from '@codex-k8s/model-server';
import { createLogger, type Logger } from '@codex-k8s/runtime';
import { findUserByEmail, migrate, openStore, type Store } from '@codex-k8s/store';
import { startPostgres } from '@codex-k8s/testkit';
import { demo, demoSeed } from '../../services/dev/all-in-one/src/demo-seed.ts';
import { choosePorts } from '../../services/dev/all-in-one/src/ports.ts';
import { loadSecrets } from '../../services/dev/all-in-one/src/secrets.ts';
import { servicesEnv, urlsOf } from '../../services/dev/all-in-one/src/services-env.ts';
import { trialApi, type TrialApi } from './trial-api.ts';
import { until } from './trial-platform.ts';

const root = join(import.meta.dirname, '..', '..');
const mains = {
  gateway: 'services/external/api-gateway/src/main.ts',
  controlPlane: 'services/internal/control-plane/src/main.ts',
  worker: 'services/jobs/worker/src/main.ts',
} as const;

/** A process that is started again as soon as it ends, as an orchestrator would. */
export interface Service {
  readonly name: string;
  readonly pid: number | undefined;
  kill(): void;
  /** Sends SIGINT twice, like an impatient person at a terminal; it is not started again. Resolves with its exit code. */
  interruptTwice(): Promise<number | null>;
}

/** What the platform and its tests need of a code host. */
export interface CodeHost {
  /** The REST API base. */
  readonly apiUrl: string;
  close(): Promise<void>;
}

export interface CodeHostOptions {
  readonly port: number;
  readonly host?: string;
  readonly dataDir: string;
  readonly log: Logger;
  readonly seed: Seed;
}

export interface SeparateServices<Host extends CodeHost = GithubServer> extends AsyncDisposable {
  readonly api: TrialApi;
  readonly store: Store;
  readonly github: Host;
  readonly services: readonly Service[];
  readonly dataDir: string;
  /** The bound repository's project. */
  readonly projectId: string;
  /** Binds another repository of the demo owner to the project or another one, or stores another token for it; for its issues there is a copy of `api`. */
  bind(name: string, token: string, project?: string): Promise<TrialApi>;
  /** Returns the id of one more project, with the settings of the first. */
  addProject(slug: string): Promise<string>;
  /** One more worker. */
  startWorker(): Service;
  restartDatabase(): void;
}

export interface SeparateServicesOptions {
  readonly dataDir: string;
  readonly workers: number;
  /** Where everything listens, when pods of a cluster must reach it. */
  readonly host?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Goes before what the trial sets. */
  readonly workerEnvironment?: Readonly<Record<string, string>>;
  /** Beside the demo's. */
  readonly seed?: Seed;
}

/** The code host is of this process, so that a test can order its failures. */
export function startSeparateServices(options: SeparateServicesOptions): Promise<SeparateServices> {
  return startServicesBeside(startGithubServer, options);
}

export async function startServicesBeside<Host extends CodeHost>(
  startGithub: (options: CodeHostOptions) => Promise<Host>,
  { dataDir, workers, host, environment = {}, workerEnvironment = {}, seed: extraSeed = {} }: SeparateServicesOptions,
): Promise<SeparateServices<Host>> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger({ service: 'test', level: 'silent' });
  const postgres = await startPostgres();
  starting.defer(() => postgres.stop());
  const store = starting.use(openStore(postgres.url));
  await migrate(store);
  const ports = await choosePorts({ wanted: 0, dataDir });
  const secrets = loadSecrets(dataDir);
  const at = host === undefined ? {} : { host };
  const urls = urlsOf({ ports, ...at });
  const demoOnly = demoSeed(secrets, { callbackUrl: `${urls.gateway}/api/v1/auth/github/callback` });
  const seed = {
    ...demoOnly,
    users: [...(demoOnly.users ?? []), ...(extraSeed.users ?? [])],
    repositories: [...(demoOnly.repositories ?? []), ...(extraSeed.repositories ?? [])],
  };
  const model = await startModelServer({ port: ports.model, log, ...at });
  starting.defer(() => model.close());
  const github = await startGithub({ port: ports.github, dataDir: join(dataDir, 'github'), log, seed, ...at });
  starting.defer(() => github.close());
  const agent = { program: 'trial', model: 'scripted', baseUrl: `${urls.model}/v1`, apiKey: undefined, scripted: true } as const;
  const env = servicesEnv({
    dataDir,
    ...at,
    ports,
    secrets,
    agent,
    environment: {
      CODEXK8S_DB_URL: postgres.url,
      CODEXK8S_WORKER_SLOT_LEASE_TTL: '4',
      CODEXK8S_WORKER_REDELIVERY_INTERVAL: '3',
      ...environment,
    },
  });

  const supervisor = supervise(join(dataDir, 'services.log'));
  starting.defer(() => supervisor.stop());
  const startWorker = (name: string) =>
    supervisor.start(name, mains.worker, { ...env.worker, ...workerEnvironment, CODEXK8S_HTTP_PORT: '0' });
  const services = [
    supervisor.start('control-plane', mains.controlPlane, env.controlPlane),
    supervisor.start('gateway', mains.gateway, env.gateway),
    ...Array.from({ length: workers }, (_, n) => startWorker(`worker-${n + 1}`)),
  ];
  const answers = (url: string) => async () => (await fetch(url).catch(() => undefined))?.ok;
  await until('the gateway', answers(`${urls.gateway}/readyz`));

  const owner = await linkOwner({
    githubApi: urls.githubApi,
    controlPlane: urls.controlPlane,
    ownerToken: secrets.ownerToken,
    internalToken: secrets.internalToken,
  });
  const user = await findUserByEmail(store.db, demo.ownerEmail);
  if (!owner || !user) throw new Error('the owner was not set up');
  const adminToken = await signToken(new TextEncoder().encode(secrets.jwtKey), {
    issuer: 'codex-k8s',
    ttlSec: 3_600,
    claims: { sub: user.id },
  });
  const access = { apiUrl: `${urls.gateway}/api/v1`, adminToken, githubUrl: urls.github, githubToken: secrets.ownerToken };
  const projectId = await createDemoProject(access);
  const bind = async (name: string, token: string, project = projectId): Promise<TrialApi> => {
    await bindRepository(access, { projectId: project, name, token });
    return trialApi({ ...access, repositoryName: name });
  };
  const api = await bind(demo.repository, secrets.botToken);
  const running = starting.move();
  return {
    api,
    projectId,
    bind,
    addProject: (slug) => createProject(access, { slug, name: slug }),
    store,
    github,
    services,
    dataDir,
    startWorker: () => startWorker('worker-more'),
    restartDatabase: () => postgres.restart('immediate'),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function post(url: string, token: string, body: object): Promise<{ id: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { id: string }; // validated by the contract on the server
}

async function linkOwner({
  githubApi,
  controlPlane,
  ownerToken,
  internalToken,
}: {
  githubApi: string;
  controlPlane: string;
  ownerToken: string;
  internalToken: string;
}): Promise<{ id: string }> {
  const { id, login } = (await (await fetch(`${githubApi}/user`, { headers: { authorization: `token ${ownerToken}` } })).json()) as {
    id: number;
    login: string;
  }; // our own dev server
  return post(`${controlPlane}/internal/v1/auth/github`, internalToken, {
    email: demo.ownerEmail,
    github_user_id: id,
    github_login: login,
  });
}

export interface StaffAccess {
  readonly apiUrl: string;
  readonly adminToken: string;
}

export function createDemoProject(access: StaffAccess): Promise<string> {
  return createProject(access, { slug: demo.project, name: 'Demo' });
}

async function createProject({ apiUrl, adminToken }: StaffAccess, named: { slug: string; name: string }): Promise<string> {
  const project = await post(`${apiUrl}/staff/projects`, adminToken, named);
  await fetch(`${apiUrl}/staff/projects/${project.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ settings: { max_parallel_runs: 4, direct_dev: true, locale: 'en' } }),
  });
  return project.id;
}

export async function bindRepository(
  { apiUrl, adminToken }: StaffAccess,
  { projectId, name, token }: { projectId: string; name: string; token: string },
): Promise<void> {
  await post(`${apiUrl}/staff/projects/${projectId}/repositories`, adminToken, { provider: 'github', owner: demo.owner, name, token });
}

function supervise(logPath: string): {
  start(name: string, main: string, env: Record<string, string | undefined>): Service;
  stop(): Promise<void>;
} {
  const output = openSync(logPath, 'a');
  const running = new Set<ChildProcess>();
  let isStopping = false;
  return {
    start: (name, main, env) => {
      let child: ChildProcess;
      let isWanted = true;
      const launch = (): void => {
        child = spawn(process.execPath, [join(root, main)], {
          stdio: ['ignore', output, output],
          env: { PATH: process.env['PATH'], ...env, CODEXK8S_WORKER_ID: `${name}-${randomBytes(3).toString('hex')}` },
        });
        const { pid } = child;
        running.add(child);
        child.once('exit', () => {
          running.forEach((one) => one.pid === pid && running.delete(one));
          if (!isStopping && isWanted) launch();
        });
      };
      launch();
      return {
        name,
        get pid() {
          return child.pid;
        },
        kill: () => void child.kill('SIGKILL'),
        interruptTwice: async () => {
          isWanted = false;
          const ended = once(child, 'exit');
          child.kill('SIGINT');
          await pause(100);
          child.kill('SIGINT');
          const [code] = (await ended) as [number | null]; // node's documented arguments
          return code;
        },
      };
    },
    stop: async () => {
      isStopping = true;
      for (const child of running) child.kill('SIGTERM');
      await until('the services to end', async () => running.size === 0, 15_000).catch(() => {
        for (const child of running) child.kill('SIGKILL');
      });
    },
  };
}
