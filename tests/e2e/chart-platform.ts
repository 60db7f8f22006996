/** The platform as a cluster has it: installed by its chart. Only GitHub and the model stand outside, on this machine. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { applyObject, type Kube } from '@codex-k8s/kube';
import { startGithubServer, type GithubServer } from '@codex-k8s/github-server';
import { startModelServer } from '@codex-k8s/model-server';
import { createLogger } from '@codex-k8s/runtime';
import { demo, demoSeed } from '../../services/dev/all-in-one/src/demo-seed.ts';
import { choosePorts } from '../../services/dev/all-in-one/src/ports.ts';
import { loadSecrets, type TrialSecrets } from '../../services/dev/all-in-one/src/secrets.ts';
import { urlsOf } from '../../services/dev/all-in-one/src/services-env.ts';
import { bindRepository, createDemoProject } from './separate-services.ts';
import { trialApi, type TrialApi } from './trial-api.ts';
import { until } from './trial-platform.ts';

export const chartFolder = join(import.meta.dirname, '../../deploy/chart');
export const namespace = 'codex-k8s';
const nodePort = 30_080;
const oauthSecret = 'github-oauth';

const partOf = { 'app.kubernetes.io/part-of': 'codex-k8s' };

export interface RealNode {
  readonly registry: string;
  readonly hostAddress: string;
}

/** Where this machine reaches node ports. */
export function nodeAddress({ registry }: RealNode): string {
  return new URL(`http://${registry}`).hostname;
}

/** Helm as a person runs it; resolves with what it printed, and rejects with what it complained about. */
export type Helm = (...args: readonly string[]) => Promise<string>;

export function helmFor({ program, kubeconfig, folder }: { program: string; kubeconfig: string; folder: string }): Helm {
  // Its own folders: nothing of the machine's Helm is read or written.
  const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: kubeconfig };
  return async (...args) => (await promisify(execFile)(program, args, { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

/** What an installation must be told, and nothing else. */
export const leastValues = {
  publicUrl: 'https://codexk8s.example',
  ownerEmail: demo.ownerEmail,
  images: { registry: 'registry.example' },
  github: { oauth: { clientId: 'codex-k8s-trial', clientSecret: { name: oauthSecret } } },
  model: { baseUrl: 'https://api.openai.com/v1' },
} as const;

export function writeValues(folder: string, name: string, values: object): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(values));
  return path;
}

/** What an agent waits at until the test lets it go on; so its run is under way for as long as something else takes, and no longer. */
export interface Gate {
  /** A script that ends when the gate is open. */
  readonly script: string;
  open(): void;
}

/** GitHub and the model, where pods and this machine reach them by the same addresses. */
export interface Outside extends AsyncDisposable {
  readonly github: GithubServer;
  readonly gatewayUrl: string;
  readonly secrets: TrialSecrets;
  /** Of the chart. */
  readonly values: object;
  gate(name: string): Gate;
}

export async function startOutside({ folder, node }: { folder: string; node: RealNode }): Promise<Outside> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger({ service: 'test', level: 'silent' });
  const host = node.hostAddress;
  const ports = await choosePorts({ wanted: 0, dataDir: folder });
  const secrets = loadSecrets(folder);
  const urls = urlsOf({ ports, host });
  const gatewayUrl = `http://${nodeAddress(node)}:${nodePort}`;
  const seed = demoSeed(secrets, { callbackUrl: `${gatewayUrl}/api/v1/auth/github/callback` });
  const model = await startModelServer({ port: ports.model, host, log });
  starting.defer(() => model.close());
  const github = await startGithubServer({ port: ports.github, host, dataDir: join(folder, 'github'), log, seed });
  starting.defer(() => github.close());
  const gates = await startGates({ host, port: ports.gateway });
  starting.defer(() => gates.close());
  const running = starting.move();
  return {
    github,
    gatewayUrl,
    secrets,
    gate: gates.gate,
    values: valuesFor({ gatewayUrl, urls }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Each gate is a path that answers when it is open. */
async function startGates({ host, port }: { host: string; port: number }): Promise<{ gate(name: string): Gate; close(): void }> {
  const openings = new Map<string, PromiseWithResolvers<void>>();
  const server = createServer((request, response) => {
    void openings.get(request.url ?? '')?.promise.then(() => response.end());
  }).listen(port, host);
  await once(server, 'listening');
  return {
    gate: (name) => {
      const opening = Promise.withResolvers<void>();
      openings.set(`/${name}`, opening);
      return { script: `curl --silent --show-error --fail http://${host}:${port}/${name}`, open: opening.resolve };
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Requests of one processor in a hundred, since CI has two for everything. */
function valuesFor({ gatewayUrl, urls }: { gatewayUrl: string; urls: ReturnType<typeof urlsOf> }): object {
  const nodeSelector = { 'kubernetes.io/hostname': 'node1' };
  const resources = { requests: { cpu: '10m', memory: '64Mi' } };
  return {
    publicUrl: gatewayUrl,
    ownerEmail: demo.ownerEmail,
    github: {
      apiUrl: urls.githubApi,
      webUrl: urls.github,
      oauth: {
        clientId: 'codex-k8s-trial',
        clientSecret: { name: oauthSecret },
        authorizeUrl: `${urls.github}/login/oauth/authorize?login=${demo.owner}&auto=1`,
        tokenUrl: `${urls.github}/login/oauth/access_token`,
      },
    },
    model: { baseUrl: `${urls.model}/v1`, name: 'scripted', program: 'trial' },
    gateway: { service: { type: 'NodePort', nodePort }, env: { CODEXK8S_JWT_TTL: '3600' }, resources },
    controlPlane: { env: { CODEXK8S_MODEL_SCRIPTED: 'true' }, resources },
    worker: {
      env: { CODEXK8S_WORKER_POLL_INTERVAL: '1', CODEXK8S_WORKER_SLOT_LEASE_TTL: '15', CODEXK8S_WORKER_REDELIVERY_INTERVAL: '3' },
      resources,
    },
    postgresql: { resources, persistence: { size: '1Gi' }, replica: { persistence: { size: '1Gi' } } },
    clusterPages: { enabled: true },
    nodeSelector,
    runs: { nodeSelector },
  };
}

/** The namespace, marked as a part of the platform, and the one Secret that a person brings. */
export async function prepareNamespace(kube: Kube, { oauthSecret: secret }: TrialSecrets): Promise<void> {
  await applyObject(kube, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: partOf } });
  await applyObject(kube, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: oauthSecret, namespace },
    data: { 'client-secret': Buffer.from(secret).toString('base64') },
  });
}

/** Signs in by GitHub through the gateway, makes the demo project and binds its repository. */
export async function useDemoProject({ gatewayUrl, github, secrets }: Outside): Promise<{ api: TrialApi; adminToken: string }> {
  await until('the gateway', async () => (await fetch(`${gatewayUrl}/readyz`).catch(() => undefined))?.ok, 120_000);
  const access = {
    apiUrl: `${gatewayUrl}/api/v1`,
    adminToken: await signIn(gatewayUrl),
    githubUrl: github.url,
    githubToken: secrets.ownerToken,
  };
  const projectId = await createDemoProject(access);
  await bindRepository(access, { projectId, name: demo.repository, token: secrets.botToken });
  return { api: trialApi(access), adminToken: access.adminToken };
}

/** By a connection of its own: one that was kept may be closed at the moment it is used again. Throws what went wrong, an error's answer too. */
export function read<T>(url: string, token: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, headers: { authorization: `Bearer ${token}` } }, (response) => {
      text(response)
        .then((body) => {
          if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}: ${body}`);
          resolve(JSON.parse(body) as T); // validated by the contract on the server
        })
        .catch(reject);
    });
    request.once('error', reject);
  });
}

/** Follows the redirects of a browser; the session's cookie holds the token. */
async function signIn(gatewayUrl: string): Promise<string> {
  const leave = await fetch(`${gatewayUrl}/api/v1/auth/github/login`, { redirect: 'manual' });
  const grant = await fetch(leave.headers.get('location') ?? '', { redirect: 'manual' });
  const back = await fetch(grant.headers.get('location') ?? '', { redirect: 'manual', headers: { cookie: cookiesOf(leave) } });
  const token = /codexk8s_staff_jwt=([^;]+)/.exec(cookiesOf(back))?.[1];
  if (token === undefined) throw new Error(`signing in ended with ${back.status}: ${await back.text()}`);
  return token;
}

function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
