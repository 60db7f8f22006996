/** The whole platform in one process over PGlite: the trial's composition root, the only place that may see every service. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Config as GatewayConfig, startGateway } from '@codex-k8s/api-gateway';
import { addRepository, authorizeOAuthUser, Config as ControlPlaneConfig, startControlPlane, type Context } from '@codex-k8s/control-plane';
import { startGithubServer } from '@codex-k8s/github-server';
import { signToken } from '@codex-k8s/http';
import { startModelServer } from '@codex-k8s/model-server';
import { createLogger, readConfig, startTracing } from '@codex-k8s/runtime';
import { createProject, findProjectBySlug, findUserByEmail, openStore } from '@codex-k8s/store';
import { Config as WorkerConfig, startWorker } from '@codex-k8s/worker';
import { resetDataFolder } from './data-folder.ts';
import { demo, demoSeed } from './demo-seed.ts';
import { choosePorts } from './ports.ts';
import { loadSecrets } from './secrets.ts';
import { servicesEnv, urlsOf, type AgentChoice } from './services-env.ts';

export interface PlatformOptions {
  readonly dataDir: string;
  /** First of five ports; 0 chooses free ones; undefined the first free block from 8080. */
  readonly port: number | undefined;
  readonly reset: boolean;
  readonly logLevel: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `scriptedUrl`: the scripted model's API base. */
  readonly chooseAgent: (scriptedUrl: string) => AgentChoice;
}

export interface Platform extends AsyncDisposable {
  readonly consoleUrl: string;
  readonly apiUrl: string;
  readonly githubUrl: string;
  /** Staff API token of the demo owner, good for a day. */
  readonly adminToken: string;
  /** The demo owner's token at the dev GitHub server. */
  readonly githubToken: string;
  readonly agent: AgentChoice;
}

/** Starts everything; `database.locked` when another platform uses the folder, `config.invalid` when a port is taken. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { dataDir, environment } = options;
  if (options.reset) resetDataFolder(dataDir);
  mkdirSync(dataDir, { recursive: true });
  await using starting = new AsyncDisposableStack();
  const ports = await choosePorts({ wanted: options.port, dataDir });
  const secrets = loadSecrets(dataDir);
  const urls = urlsOf({ ports });
  const logFor = (service: string) => createLogger({ service, level: options.logLevel });
  const agent = options.chooseAgent(`${urls.model}/v1`);
  const env = servicesEnv({ dataDir, ports, secrets, agent, environment });

  const controlPlaneConfig = readConfig(ControlPlaneConfig, env.controlPlane);
  starting.use(await startTracing({ serviceName: 'codex-k8s', endpoint: controlPlaneConfig.otlpEndpoint, log: logFor('codex-k8s') }));
  const store = starting.use(openStore(controlPlaneConfig.dbUrl));
  const model = await startModelServer({ port: ports.model, log: logFor('model-server') });
  starting.defer(() => model.close());
  const seed = demoSeed(secrets, { callbackUrl: `${urls.gateway}/api/v1/auth/github/callback` });
  const github = await startGithubServer({ port: ports.github, dataDir: join(dataDir, 'github'), log: logFor('github-server'), seed });
  starting.defer(() => github.close());
  const controlPlane = starting.use(await startControlPlane({ config: controlPlaneConfig, store, log: logFor('control-plane') }));
  starting.use(await startGateway({ config: readConfig(GatewayConfig, env.gateway), log: logFor('api-gateway') }));
  await linkOwner(controlPlane.context, { apiUrl: urls.githubApi, token: secrets.ownerToken });
  await seedDemoProject(controlPlane.context, secrets.botToken);
  const baseEnv = { PATH: environment['PATH'], LANG: environment['LANG'] };
  starting.use(await startWorker({ config: readConfig(WorkerConfig, env.worker), store, log: logFor('worker'), baseEnv }));

  const owner = await findUserByEmail(store.db, demo.ownerEmail);
  const adminToken = await signToken(new TextEncoder().encode(secrets.jwtKey), {
    issuer: 'codex-k8s',
    ttlSec: 86_400,
    claims: { sub: owner?.id ?? '' },
  });
  const running = starting.move();
  return {
    consoleUrl: `${urls.gateway}/api/v1/auth/github/login`,
    apiUrl: `${urls.gateway}/api/v1`,
    githubUrl: urls.github,
    adminToken,
    githubToken: secrets.ownerToken,
    agent,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The demo owner may label issues before the first sign-in. */
async function linkOwner(context: Context, { apiUrl, token }: { apiUrl: string; token: string }): Promise<void> {
  const response = await fetch(`${apiUrl}/user`, { headers: { authorization: `token ${token}` } });
  const { id, login } = (await response.json()) as { id: number; login: string }; // our own dev server
  await authorizeOAuthUser(context, { email: demo.ownerEmail, githubUserId: id, githubLogin: login });
}

/** The demo project with its repository; binding it again at each start refreshes the addresses after a change of ports. */
async function seedDemoProject(context: Context, token: string): Promise<void> {
  const { db } = context.store;
  const project =
    (await findProjectBySlug(db, demo.project)) ??
    (await createProject(db, { slug: demo.project, name: 'Demo', settings: { direct_dev: true } }));
  if (!project) return;
  await addRepository(context, {
    actor: undefined,
    projectId: project.id,
    owner: demo.owner,
    name: demo.repository,
    token,
    servicesYamlPath: 'services.yaml',
  });
}
