import { isTracing, startSpan, type Span } from '@codex-k8s/runtime';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | undefined;
  }
}

/** One server span per request of a contract, while tracing is on. `except`: operations that come too often to be worth one. */
export function traceRequests(app: FastifyInstance, { except }: { except: readonly string[] }): void {
  app.decorateRequest('span', undefined);
  if (!isTracing()) return;
  app.addHook('onRequest', (request, _reply, done) => {
    const { url: route = '', config } = request.routeOptions;
    if (config.operationId === undefined || except.includes(config.operationId)) return done();
    request.span = startSpan(`${request.method} ${route}`, {
      kind: 'server',
      correlationId: request.id,
      begins: 'trace',
      traceparent: headerOf(request.headers['traceparent']),
      attributes: {
        'http.request.method': request.method,
        'http.route': route,
        'url.path': request.url.split('?')[0],
        'url.scheme': request.protocol,
        'codexk8s.operation': config.operationId,
      },
    });
    request.span.enter(done);
  });
  // Reading a body ends in the socket's own context: what comes after it is put back under the span.
  app.addHook('preValidation', (request, _reply, done) => (request.span ? request.span.enter(done) : done()));
  app.addHook('onResponse', (request, reply, done) => {
    request.span?.set({ 'http.response.status_code': reply.statusCode });
    if (reply.statusCode >= 500) request.span?.fail(String(reply.statusCode));
    request.span?.end();
    done();
  });
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
