import { randomBytes } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { forbidden, GithubError, notFound } from '../errors.ts';
import type { Forge } from '../forge.ts';
import { findRepository, permissionOf } from '../app/permissions.ts';
import { callerOf, tokenOfHeader, type Caller } from '../app/tokens.ts';
import { atLeast } from '../present/repositories.ts';
import type { RepositoryRecord } from '../store/records.ts';
import type { Faults } from './faults.ts';
import { startRateLimits, type RateLimits } from './rate-limits.ts';
import type { Answer, Call, Route } from './route.ts';

export const apiBase = '/api/v3';
const documentation = 'https://docs.github.com/rest';

/** Mounts the REST routes below `/api/v3` with what all of them share: authentication, limits, faults, ETag, GitHub's errors. */
export function mountApi(app: FastifyInstance, forge: Forge, routes: readonly Route[], faults: Faults): void {
  const limits = startRateLimits(faults);
  void app.register(
    (api, _options, done) => {
      api.removeAllContentTypeParsers();
      // GitHub reads JSON whatever the content type says.
      api.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, next) => parseJson(String(body), next));
      api.setErrorHandler((error, _request, reply) => sendError(forge, error, reply));
      api.setNotFoundHandler((_request, reply) => sendError(forge, notFound(), reply));
      for (const route of routes) mountRoute(api, forge, route, { faults, limits });
      done();
    },
    { prefix: apiBase },
  );
}

function parseJson(body: string, next: (error: Error | null, value?: unknown) => void): void {
  if (body.trim() === '') return next(null, undefined);
  try {
    return next(null, JSON.parse(body));
  } catch {
    return next(new GithubError(400, 'Problems parsing JSON'));
  }
}

interface Gates {
  readonly faults: Faults;
  readonly limits: RateLimits;
}

function mountRoute(api: FastifyInstance, forge: Forge, route: Route, { faults, limits }: Gates): void {
  api.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      void reply.header('x-github-request-id', randomBytes(10).toString('hex').toUpperCase());
      const fault = faults.take(request.method, request.url);
      if (fault?.status === 'drop') {
        request.raw.destroy();
        return reply.hijack();
      }
      if (fault) throw new GithubError(fault.status, fault.message ?? 'Server Error', { headers: fault.headers ?? {} });
      const caller = authenticate(forge, request);
      limits.spend(caller, reply, request.url);
      const answer = await callRoute(route, callOf(forge, request, caller), forge);
      return sendAnswer(request, reply, answer, () => limits.giveBack(caller, reply));
    },
  });
}

function authenticate(forge: Forge, request: FastifyRequest): Caller | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const token = tokenOfHeader(header);
  const caller = token === undefined ? undefined : callerOf(forge.store, token);
  if (!caller) throw new GithubError(401, 'Bad credentials');
  return caller;
}

function callOf(forge: Forge, request: FastifyRequest, caller: Caller | undefined): Call {
  const path = request.url.slice(apiBase.length);
  const url = new URL(`${forge.urls.api}${path}`);
  return {
    forge,
    user: caller?.user,
    token: caller?.token,
    params: request.params as Record<string, string>, // find-my-way gives strings only
    query: Object.fromEntries(url.searchParams),
    body: request.body,
    accept: request.headers.accept ?? '',
    url,
  };
}

async function callRoute(route: Route, call: Call, forge: Forge): Promise<Answer> {
  if (route.access === 'public' || route.access === 'signed-in') {
    if (route.access === 'signed-in' && !call.user) throw new GithubError(401, 'Requires authentication');
    return route.handle(call);
  }
  const repository = repositoryFor(forge, call, route.access);
  return route.handle({ ...call, repository });
}

/** 404 hides what the caller may not see, as GitHub does. */
function repositoryFor(forge: Forge, call: Call, access: 'read' | 'comment' | 'triage' | 'write' | 'admin'): RepositoryRecord {
  const repository = findRepository(forge.store, call.params['owner'] ?? '', call.params['repo'] ?? '');
  const permission = repository && permissionOf(repository, call.user);
  if (!repository || permission === undefined) throw notFound();
  if (access === 'read') return repository;
  if (!call.user) throw new GithubError(401, 'Requires authentication');
  if (access === 'comment' || atLeast(permission, access)) return repository;
  throw forbidden(access === 'admin' ? 'Must have admin rights to Repository.' : 'Must have push access to repository');
}

function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { status = 200, body, type, headers = {} }: Answer,
  onUnchanged: () => void,
) {
  void reply.headers(headers).header('x-github-media-type', 'github.v3; format=json').header('x-github-api-version-selected', '2022-11-28');
  if (body === undefined) return reply.code(status).send();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  void reply.header('content-type', type ?? 'application/json; charset=utf-8');
  if (request.method === 'GET' && status === 200) {
    const etag = `W/"${createHash('sha256').update(text).digest('hex')}"`;
    void reply.header('etag', etag).header('cache-control', 'private, max-age=60, s-maxage=60').header('vary', 'Accept, Authorization');
    if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(etag)) {
      onUnchanged();
      return reply.code(304).send();
    }
  }
  return reply.code(status).send(text);
}

function sendError(forge: Forge, error: unknown, reply: FastifyReply): void {
  const known = error instanceof GithubError ? error : translate(forge, error);
  void reply
    .code(known.status)
    .headers(known.headers)
    .header('content-type', 'application/json; charset=utf-8')
    .send(
      JSON.stringify({
        message: known.message,
        ...(known.errors === undefined ? {} : { errors: known.errors }),
        documentation_url: documentation,
        status: String(known.status),
      }),
    );
}

function translate(forge: Forge, error: unknown): GithubError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status < 500) return new GithubError(status, error instanceof Error ? error.message : 'Bad Request');
  forge.log.error({ err: error }, 'request failed');
  return new GithubError(500, 'Server Error');
}
