import { randomUUID } from 'node:crypto';
import { errorCodes, type Actor } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from 'fastify';
import { errorBody, failureAnswer, toAppError } from './answers.ts';
import { traceRequests } from './request-spans.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The signed-in person; set by the service's own authentication. */
    actor: Actor | undefined;
  }
  interface FastifyContextConfig {
    operationId?: string;
  }
}

export interface HttpServerOptions {
  readonly log: Logger;
  /** Bytes. */
  readonly bodyLimit?: number;
  /** Turns errors of another library into ours, such as a lost database. */
  readonly translate?: (error: unknown) => unknown;
  /** Addresses and ranges whose `X-Forwarded-For` is believed; none when empty. */
  readonly trustProxy?: readonly string[];
  /** Operations without a span in traces. */
  readonly untraced?: readonly string[];
  /** Hears of each finished request, for metrics. Seconds. */
  readonly onRequestDone?: (request: { operation: string; status: number; seconds: number }) => void;
}

const oneMebibyte = 1024 * 1024;

/** A Fastify server with our error answers, correlation ids and no opinion about routes. */
export function createHttpServer({
  log,
  bodyLimit = oneMebibyte,
  translate = (error) => error,
  trustProxy = [],
  untraced = [],
  onRequestDone,
}: HttpServerOptions): FastifyInstance {
  const logger: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlationId' }),
    bodyLimit,
    // An address that cannot be decoded reaches no route and no hook.
    frameworkErrors: (thrown, { id }, reply) => {
      const error = toAppError(thrown);
      const { http } = errorCodes[error.code];
      void (reply as FastifyReply).header('x-correlation-id', id).code(http).send(errorBody(error, id)); // no route, no schema of the answer
    },
    trustProxy: trustProxy.length > 0 && [...trustProxy],
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: true,
    genReqId: (request) => {
      const given = request.headers['x-github-delivery'] ?? request.headers['x-correlation-id'];
      return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
    },
  });
  app.decorateRequest('actor', undefined);
  traceRequests(app, { except: untraced });
  app.setErrorHandler(async (thrown, request, reply) => {
    const { status, body } = failureAnswer(thrown, { log: request.log, correlationId: request.id, translate });
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler(async (request, reply) =>
    reply.code(404).send({
      code: 'request.not_found',
      message: `There is no ${request.method} ${request.url.split('?')[0] ?? ''}.`,
      remedy: errorCodes['request.not_found'].remedy,
      correlation_id: request.id,
    }),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-correlation-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    onRequestDone?.({
      operation: request.routeOptions.config.operationId ?? 'other',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
  });
  return app;
}
