import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import { contractText } from '@codex-k8s/contracts';
import { createHttpServer, drain, mountContract, readContract } from '@codex-k8s/http';
import { serveMetrics, type Logger } from '@codex-k8s/runtime';
import { createMetrics, type Metrics } from '@codex-k8s/runtime/metrics';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';
import { createControlPlaneClient, type ControlPlaneClient } from './app/control-plane.ts';
import { createGithubOAuth } from './app/github-oauth.ts';
import type { Config } from './config.ts';
import { authHandlers } from './http/auth.ts';
import { mountConsole } from './http/console.ts';
import { openApiDocument } from './http/openapi.ts';
import { checkOrigin, mountStaffProxy } from './http/staff-proxy.ts';
import { mountWebhook } from './http/webhook.ts';

export { Config } from './config.ts';
export { issueSession } from './app/sessions.ts';

export interface Gateway extends AsyncDisposable {
  readonly url: string;
}

/** Starts the public edge. */
export async function startGateway({ config, log }: { config: Config; log: Logger }): Promise<Gateway> {
  const metrics = createMetrics('api_gateway');
  const app = await createApp({ config, log, metrics });
  await app.listen({ host: config.host, port: config.port });
  const scraped = await serveMetrics(metrics, { host: config.host, port: config.metricsPort });
  const address = app.server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  log.info({ port, metricsPort: scraped.port }, 'gateway listens');
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await drain(app, config.drainSec);
      await Promise.all([app.close(), scraped[Symbol.asyncDispose]()]);
    },
  };
}

export async function createApp({ config, log, metrics }: { config: Config; log: Logger; metrics: Metrics }): Promise<FastifyInstance> {
  const requests = metrics.histogram('codexk8s_http_request_seconds', 'Time to answer by operation', ['operation', 'status']);
  const deliveries = metrics.counter('codexk8s_webhook_requests_total', 'Webhook deliveries', ['result', 'event']);
  const deliverySeconds = metrics.histogram('codexk8s_webhook_duration_seconds', 'Time to answer a delivery', ['event']);
  const controlPlane = createControlPlaneClient({ url: config.controlPlaneUrl, token: config.internalToken });
  const app = createHttpServer({
    log,
    trustProxy: config.trustedProxies,
    onRequestDone: ({ operation, status, seconds }) => requests.observe({ operation, status }, seconds),
  });
  const secure = helmet(contentSecurity(config)); // made once: Fastify's plugin writes the policy anew for each request
  app.addHook('onRequest', (request, reply, done) => secure(request.raw, reply.raw, () => done()));
  await app.register(cookie);
  await app.register(rateLimit, { global: false });
  app.addHook('onRequest', async (request) => checkOrigin(request, config.publicUrl));
  await mountWebhook(app, {
    controlPlane,
    secret: config.webhookSecret,
    bodyLimit: config.webhookMaxBytes,
    perMinute: config.webhooksPerMinute,
    onDone: ({ event, result, seconds }) => {
      deliveries.inc({ event, result });
      deliverySeconds.observe({ event }, seconds);
    },
  });
  mountContract(app, {
    contract: readContract(contractText('staff')),
    only: ['startLogin', 'finishLogin', 'logout', 'getMe'],
    handlers: authHandlers({ config, controlPlane, oauth: createGithubOAuth(config) }),
    routeConfig: { rateLimit: { max: config.requestsPerMinute, timeWindow: 60_000 } },
    onMismatch: (problem) => log.error(problem, 'answer breaks the contract'),
  });
  await mountStaffProxy(app, { config, controlPlane });
  const document = openApiDocument();
  app.get('/api/v1/openapi.json', async (_request, reply) => reply.send(document));
  mountHealth(app, controlPlane);
  await mountConsole(app, { folder: config.consoleDir });
  return app;
}

const readyForMs = 1_000;

function mountHealth(app: FastifyInstance, controlPlane: ControlPlaneClient): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  let asked: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  app.get('/readyz', async (_request, reply) => {
    // The address is public: whoever asks often must not make the control plane ask its database as often.
    const now = performance.now();
    if (asked === undefined || now - asked.at > readyForMs) asked = { at: now, answer: controlPlane.isReady() };
    const isReady = await asked.answer;
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'control plane not ready' });
  });
}

function contentSecurity({ cookieSecure }: Pick<Config, 'cookieSecure'>) {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"], // Vuetify sets styles on elements
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        workerSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    hsts: cookieSecure,
    crossOriginEmbedderPolicy: false,
  };
}
