import { randomBytes } from 'node:crypto';
import { linkGithubIdentity, openStore } from '@codex-k8s/store';
import { aProject, aRepository, aUser, freePort } from '@codex-k8s/testkit';
import { startProcess, until } from '../processes.ts';
import { exampleSender, type Target } from './deliveries.ts';

export interface Platform extends Target, AsyncDisposable {
  readonly webhookUrl: string;
  readonly pids: { readonly gateway: number; readonly 'control plane': number };
}

/** One gateway and one control plane as a deployment starts them, with a bound repository whose issues the sender may label. */
export async function startPlatform(databaseUrl: string): Promise<Platform> {
  await using starting = new AsyncDisposableStack();
  const key = (): string => randomBytes(32).toString('hex');
  const [gatewayPort, controlPlanePort, secret] = [await freePort(), await freePort(), key()];
  const [gatewayUrl, controlPlaneUrl] = [`http://127.0.0.1:${gatewayPort}`, `http://127.0.0.1:${controlPlanePort}`];
  const shared = {
    CODEXK8S_HTTP_HOST: '127.0.0.1',
    CODEXK8S_PUBLIC_BASE_URL: gatewayUrl,
    CODEXK8S_GITHUB_WEBHOOK_SECRET: secret,
    CODEXK8S_INTERNAL_API_TOKEN: key(),
    CODEXK8S_JWT_SIGNING_KEY: key(),
  };
  const controlPlane = starting.use(
    startProcess('services/internal/control-plane/src/main.ts', {
      ...shared,
      CODEXK8S_HTTP_PORT: String(controlPlanePort),
      CODEXK8S_DB_URL: databaseUrl,
      CODEXK8S_TOKEN_ENCRYPTION_KEY: key(),
      CODEXK8S_MCP_TOKEN_SIGNING_KEY: key(),
      CODEXK8S_CONTROL_PLANE_MCP_BASE_URL: `${controlPlaneUrl}/mcp`,
      CODEXK8S_AGENT_PROGRAM: 'trial',
    }),
  );
  const gateway = starting.use(
    startProcess('services/external/api-gateway/src/main.ts', {
      ...shared,
      CODEXK8S_HTTP_PORT: String(gatewayPort),
      CODEXK8S_CONTROL_PLANE_URL: controlPlaneUrl,
      CODEXK8S_GITHUB_OAUTH_CLIENT_ID: 'bench',
      CODEXK8S_GITHUB_OAUTH_CLIENT_SECRET: 'bench',
      CODEXK8S_WEBHOOK_RATE_PER_MINUTE: '100000000', // all deliveries come from one address here
    }),
  );
  await until('the gateway', async () => (await fetch(`${gatewayUrl}/readyz`).catch(() => undefined))?.ok ?? false);
  const repository = await bindRepository(databaseUrl);
  const running = starting.move();
  return {
    webhookUrl: `${gatewayUrl}/api/v1/webhooks/github`,
    secret,
    repository,
    pids: { gateway: gateway.pid, 'control plane': controlPlane.pid },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function bindRepository(databaseUrl: string): Promise<Target['repository']> {
  await using store = openStore(databaseUrl, { poolSize: 1 });
  const project = await aProject(store);
  const { externalId, owner, name } = await aRepository(store, project.id);
  const user = await aUser(store, { isPlatformAdmin: true });
  const sender = exampleSender();
  await linkGithubIdentity(store.db, { id: user.id, githubUserId: sender.id, githubLogin: sender.login });
  return { id: externalId, fullName: `${owner}/${name}` };
}
