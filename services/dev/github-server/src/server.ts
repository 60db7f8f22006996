import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from '@codex-k8s/runtime';
import Fastify, { type FastifyInstance } from 'fastify';
import { announceRefs } from './app/announce-refs.ts';
import { findRepository } from './app/permissions.ts';
import { openSecret } from './app/sealed-secrets.ts';
import { sha256 } from './app/tokens.ts';
import type { Forge } from './forge.ts';
import { startGitElsewhere } from './git/run-git.ts';
import { mountApi } from './http/api.ts';
import { createFaults, type Faults } from './http/faults.ts';
import { mountGit } from './http/git.ts';
import { mountOauth } from './http/oauth.ts';
import { apiRoutes } from './http/routes.ts';
import { mountSite } from './http/site.ts';
import { applySeed, type Seed } from './seed.ts';
import { openStore, type Store } from './store/store.ts';
import { startDeliverer } from './webhooks/deliver.ts';

export type { Fault } from './http/faults.ts';
export type { Seed, SeedOauthApp, SeedRepository, SeedUser } from './seed.ts';

export interface GithubServerOptions {
  /** 0 chooses a free one. */
  readonly port: number;
  readonly host?: string;
  /** Everything that outlives the process: documents and git repositories. One server per directory. */
  readonly dataDir: string;
  readonly log: Logger;
  /** How others reach it, when that is not where it listens. */
  readonly publicUrl?: string | undefined;
  readonly seed?: Seed | undefined;
}

export interface GithubServer extends AsyncDisposable {
  /** Pages, OAuth and git: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** The REST API base for clients: `http://127.0.0.1:PORT/api/v3`. */
  readonly apiUrl: string;
  seed(seed: Seed): Promise<void>;
  /** For tests, and by function call only: failures to order. */
  readonly faults: Pick<Faults, 'failNext' | 'limitUntil' | 'clear'>;
  /** What an Actions secret says, for tests only; undefined when there is none. */
  readSecret(at: SecretAddress): Promise<string | undefined>;
  /** Makes a token invalid at once. */
  revokeToken(token: string): void;
  readonly deliveries: {
    pause(): void;
    resume(): void;
    /** Resolves when every queued webhook was attempted. */
    idle(): Promise<void>;
  };
  /** Every REST route served, as `METHOD /path` in GitHub's spelling: what the conformance test must cover. */
  readonly routes: readonly string[];
  close(): Promise<void>;
}

export interface SecretAddress {
  /** `owner/name`. */
  readonly repository: string;
  readonly environment?: string;
  readonly name: string;
}

export async function startGithubServer(options: GithubServerOptions): Promise<GithubServer> {
  const { port, host = '127.0.0.1', log } = options;
  const dataDir = resolve(options.dataDir);
  await mkdir(join(dataDir, 'git'), { recursive: true });
  const gitElsewhere = startGitElsewhere();
  const store = openStore(join(dataDir, 'github.db'));
  const deliverer = startDeliverer(store, log);
  const faults = createFaults();
  const urls = { html: '', api: '' };
  const forge: Forge = { store, urls, dataDir, log, wakeDeliveries: (hookId) => deliverer.wake(hookId), inOrder: createQueues() };
  const app = buildApp(forge, faults);
  await app.listen({ port, host });
  const url = (options.publicUrl ?? listeningUrl(app, host)).replace(/\/$/, '');
  Object.assign(urls, { html: url, api: `${url}/api/v3` });
  await tellMissedPushes(forge);
  if (options.seed) await applySeed(forge, options.seed);

  async function close(): Promise<void> {
    await app.close();
    await deliverer.close();
    store.close();
    gitElsewhere[Symbol.dispose]();
  }
  return {
    url,
    apiUrl: urls.api,
    seed: (seed) => applySeed(forge, seed),
    faults,
    readSecret: (at) => readSecret(store, at),
    revokeToken: (token) => revoke(store, token),
    deliveries: deliverer,
    routes: apiRoutes.map(({ method, path }) => `${method} ${path}`),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function buildApp(forge: Forge, faults: Faults): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: 100 * 1024 * 1024,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000, ignoreDuplicateSlashes: true },
  });
  mountApi(app, forge, apiRoutes, faults);
  mountGit(app, forge, faults);
  mountOauth(app, forge);
  mountSite(app, forge);
  return app;
}

function listeningUrl(app: FastifyInstance, host: string): string {
  const address = app.server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen on a port');
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${address.port}`;
}

/** Pushes that git took but a killed process could not tell about. */
async function tellMissedPushes(forge: Forge): Promise<void> {
  for (const repository of forge.store.repositories.all()) {
    const owner = forge.store.users.get(repository.ownerId);
    if (owner) await announceRefs(forge, repository.id, owner);
  }
}

async function readSecret(store: Store, { repository, environment, name }: SecretAddress): Promise<string | undefined> {
  const [owner = '', repositoryName = ''] = repository.split('/');
  const found = findRepository(store, owner, repositoryName);
  const place = environment === undefined ? found : found && store.environments.find(found.id, environment.toLowerCase());
  if (!place) return undefined;
  const scope = `${environment === undefined ? 'repository' : 'environment'}:${place.id}`;
  const secret = store.secrets.find(scope, name.toUpperCase());
  return secret && openSecret(store, scope, secret);
}

function revoke(store: Store, token: string): void {
  const record = store.tokens.find('', sha256(token));
  if (record) store.tokens.remove(record);
}

/** One chain of jobs per repository. */
function createQueues(): Forge['inOrder'] {
  const tails = new Map<number, Promise<unknown>>();
  return (repositoryId, job) => {
    const before = tails.get(repositoryId) ?? Promise.resolve();
    const result = before.then(job, job);
    tails.set(
      repositoryId,
      result.catch(() => undefined),
    );
    return result;
  };
}
