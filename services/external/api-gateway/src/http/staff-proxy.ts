import replyFrom from '@fastify/reply-from';
import { AppError } from '@codex-k8s/domain';
import { bearerOf } from '@codex-k8s/http';
import { traceHeaders } from '@codex-k8s/runtime';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ControlPlaneClient } from '../app/control-plane.ts';
import { readSession, renewSession, sessionCookie } from '../app/sessions.ts';
import type { Config } from '../config.ts';
import { cookieOptions } from './auth.ts';

/** The staff API passes through as it is, streams included; the gateway turns the cookie into a bearer token and renews it. */
export async function mountStaffProxy(
  app: FastifyInstance,
  { config, controlPlane }: { config: Config; controlPlane: ControlPlaneClient },
): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(replyFrom, {
      base: config.controlPlaneUrl,
      undici: { connections: 128, pipelining: 1, bodyTimeout: 0, headersTimeout: 120_000 },
    });
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.route({
      method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url: '/api/v1/staff/*',
      logLevel: 'warn', // reply-from says two lines per request
      config: { operationId: 'staff', rateLimit: { max: config.requestsPerMinute, timeWindow: 60_000 } },
      handler: async (request, reply) => {
        if (!isStaffPath(request.url)) throw new AppError('request.invalid', 'The path leads out of the staff API.', { field: 'path' });
        const bearer = bearerOf(request.headers.authorization);
        const cookie = request.cookies[sessionCookie];
        const token = bearer ?? cookie;
        if (!token) throw new AppError('auth.unauthorized', 'Sign in first.');
        const session = await readSession(config, token);
        if (!bearer) {
          const renewed = await renewSession(config, { session, controlPlane, now: Math.floor(Date.now() / 1000) });
          if (renewed) reply.setCookie(sessionCookie, renewed, { ...cookieOptions(config), maxAge: config.sessionMaxSec });
        }
        return reply.from(request.url, {
          rewriteRequestHeaders: (_request, { cookie: _cookie, host: _host, ...headers }) => ({
            ...headers,
            authorization: `Bearer ${token}`,
            'x-correlation-id': request.id,
            ...traceHeaders(),
          }),
          onError: (inner, { error }) => {
            request.log.warn({ err: error }, 'control plane not reachable');
            void inner.send(new AppError('service.unavailable', 'The control plane is not reachable.', { cause: error }));
          },
        });
      },
    });
  });
}

/** As the control plane will read it: dots, encoded ones and backslashes are resolved there. */
function isStaffPath(url: string): boolean {
  return new URL(url, 'http://control-plane').pathname.startsWith('/api/v1/staff/');
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A cookie travels with any request a browser makes, so a change must come from our own pages (reference §9.5). */
export function checkOrigin(request: FastifyRequest, publicUrl: string): void {
  const isCookieCall = bearerOf(request.headers.authorization) === undefined && request.cookies[sessionCookie] !== undefined;
  if (safeMethods.has(request.method) || !isCookieCall) return;
  const { origin } = request.headers;
  const isOurs = origin === undefined ? request.headers['sec-fetch-site'] === 'same-origin' : origin === new URL(publicUrl).origin;
  if (!isOurs) throw new AppError('auth.csrf_rejected', 'The request came from another origin.');
}
