import { contractText } from '@codex-k8s/contracts';
import { createLabels } from '@codex-k8s/domain';
import { githubProviders } from '@codex-k8s/github';
import { acceptAttachedBytes, createHttpServer, drain, mountContract, readContract, tokenVerifier, type Operation } from '@codex-k8s/http';
import { connectKube, isInCluster, type Kube } from '@codex-k8s/kube';
import { serveMetrics, staticKeys, type Logger } from '@codex-k8s/runtime';
import { createMetrics, type Metrics } from '@codex-k8s/runtime/metrics';
import { createRunAnnouncer, pendingMigrations, translateDatabaseError, type Store } from '@codex-k8s/store';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bootstrap } from './app/bootstrap.ts';
import type { Context } from './app/context.ts';
import { heartbeatPace } from './app/heartbeat-pace.ts';
import { startWakeUps } from './app/wake-ups.ts';
import type { Config } from './config.ts';
import { authenticateGateway, authenticateRun, authenticateStaff, authorizeStaff, runTokenIssuer } from './http/authenticate.ts';
import { clusterHandlers } from './http/cluster.ts';
import { internalHandlers } from './http/internal.ts';
import { gatewayOperations, staffHandlers } from './http/staff.ts';
import { streamHandlers } from './http/streams.ts';
import { mountRunTools } from './mcp/server.ts';

export { addRepository } from './app/repositories.ts';
export { authorizeOAuthUser } from './app/users.ts';
export { Config } from './config.ts';
export type { Context } from './app/context.ts';

export interface ControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly context: Context;
}

export interface Dependencies {
  readonly config: Config;
  readonly store: Store;
  readonly log: Logger;
  /** Answers that break the contract throw (tests) instead of being logged and counted. */
  readonly strictAnswers?: boolean;
}

/** Starts the control plane: schema, system agents, then the staff, internal and MCP entrances on one port. */
export async function startControlPlane({ config, store, log, strictAnswers = false }: Dependencies): Promise<ControlPlane> {
  const context = createContext({ config, store, log });
  await bootstrap(context);
  const metrics = createMetrics('control_plane');
  const app = await createApp(context, { strictAnswers, metrics });
  await app.listen({ host: config.host, port: config.port });
  const scraped = await serveMetrics(metrics, { host: config.host, port: config.metricsPort });
  const address = app.server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  log.info({ port, metricsPort: scraped.port }, 'control plane listens');
  return {
    url: `http://127.0.0.1:${port}`,
    context,
    async [Symbol.asyncDispose]() {
      await drain(app, config.drainSec);
      await Promise.all([app.close(), scraped[Symbol.asyncDispose]()]);
    },
  };
}

export function createContext({ config, store, log }: Omit<Dependencies, 'strictAnswers'>): Context {
  return {
    config,
    store,
    log,
    announceRun: createRunAnnouncer(store, (err) => log.warn({ err }, 'workers were not woken for a new run; they look by themselves')),
    keys: staticKeys(config.encryptionKeys),
    labels: createLabels(config.labelTexts),
    providerFor: githubProviders({ baseUrl: config.githubApiUrl }),
    verifyRunToken: tokenVerifier(new TextEncoder().encode(config.runTokenKey), { issuer: runTokenIssuer }),
    heartbeatSec: heartbeatPace(store),
    kube: clusterOf(config),
  };
}

/** With the local runtime only a cluster that somebody named: a trial inside of one must not reach out to it. */
function clusterOf({ kubeconfig, runtime }: Config): Kube | undefined {
  if (kubeconfig !== undefined) return connectKube({ kubeconfig });
  return runtime === 'kubernetes' && isInCluster() ? connectKube() : undefined;
}

export async function createApp(
  context: Context,
  { strictAnswers, metrics = createMetrics('control_plane') }: { strictAnswers: boolean; metrics?: Metrics },
): Promise<FastifyInstance> {
  const { log, store } = context;
  const requests = metrics.histogram('codexk8s_http_request_seconds', 'Time to answer by operation', ['operation', 'status']);
  const deliveries = metrics.histogram('codexk8s_delivery_seconds', 'Time to decide on a delivery', ['status']);
  const mismatches = metrics.counter('codexk8s_contract_mismatch_total', 'Answers that broke the contract', ['operation']);
  const app = createHttpServer({
    log,
    bodyLimit: 80 * 1024 * 1024, // a session snapshot is the largest body
    translate: translateDatabaseError,
    untraced: ['heartbeat', 'appendRunLogs', 'mcp', 'ingestEvents'], // too many; each tool call and each delivery has a span of its own
    onRequestDone: ({ operation, status, seconds }) => requests.observe({ operation, status }, seconds),
  });
  app.decorateRequest('runCaller', undefined);
  acceptAttachedBytes(app);
  const onMismatch = (problem: { operationId: string; status: number; problems: string }): void => {
    mismatches.inc({ operation: problem.operationId });
    if (strictAnswers) throw new TypeError(`answer of ${problem.operationId} (${problem.status}) breaks the contract: ${problem.problems}`);
    log.error(problem, 'answer breaks the contract');
  };
  const waiter = await startWakeUps(store);
  const staff = readContract(contractText('staff'));
  mountContract(app, {
    contract: staff,
    only: staff.operations.map(({ operationId }) => operationId).filter((id) => !(gatewayOperations as readonly string[]).includes(id)),
    handlers: { ...staffHandlers(context), ...clusterHandlers(context), ...streamHandlers(context, waiter) },
    authenticate: (_operation, request) => authenticateStaff(context, request),
    authorize: (operation, request) => authorizeStaff(context, operation, request),
    onMismatch,
  });
  mountContract(app, {
    contract: readContract(contractText('internal')),
    handlers: internalHandlers(context, {
      translate: translateDatabaseError,
      onDelivery: ({ status, seconds }) => deliveries.observe({ status }, seconds),
    }),
    authenticate: (operation, request) => authenticateInternal(context, operation, request),
    onMismatch,
  });
  mountRunTools(app, context, waiter);
  mountHealth(app, context);
  return app;
}

async function authenticateInternal(context: Context, operation: Operation, request: FastifyRequest): Promise<void> {
  if (operation.extensions['x-codexk8s-caller'] === 'gateway') authenticateGateway(context, request);
  else request.runCaller = await authenticateRun(context, request, 'codexk8s:runner');
}

function mountHealth(app: FastifyInstance, { store }: Context): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      const pending = await pendingMigrations(store);
      return await reply
        .code(pending.length === 0 ? 200 : 503)
        .send({ status: pending.length === 0 ? 'ok' : 'migrations pending', pending });
    } catch {
      return reply.code(503).send({ status: 'database unavailable' });
    }
  });
}
