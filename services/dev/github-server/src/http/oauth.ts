import type { FastifyInstance } from 'fastify';
import { exchangeCode, grantCode, readAuthorization, type TokenRequest } from '../app/oauth.ts';
import { findUser } from '../app/permissions.ts';
import type { Forge } from '../forge.ts';
import { authorizePage, messagePage } from '../pages/authorize.ts';

/** The OAuth web flow. Clicking a name is the consent; `?login=NAME&auto=1` grants without a page, for tests and the trial. */
export function mountOauth(app: FastifyInstance, forge: Forge): void {
  void app.register((oauth, _options, done) => {
    oauth.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, next) =>
      next(null, Object.fromEntries(new URLSearchParams(String(body)))),
    );

    oauth.get<{ Querystring: Record<string, string> }>('/login/oauth/authorize', (request, reply) => {
      const authorization = readAuthorization(forge.store, request.query);
      void reply.type('text/html; charset=utf-8');
      if ('error' in authorization) {
        return reply
          .code(authorization.error === 'not_found' ? 404 : 400)
          .send(messagePage('Authorization failed', authorization.description));
      }
      const hinted = findUser(forge.store, request.query['login'] ?? '');
      if (hinted && request.query['auto'] === '1') return reply.redirect(grantCode(forge.store, authorization, hinted));
      const people = forge.store.users.all().filter(({ type }) => type === 'User');
      return reply.send(authorizePage({ people, hinted, clientId: authorization.app.clientId, query: request.query }));
    });

    oauth.post<{ Querystring: Record<string, string>; Body: { login?: string } | null }>('/login/oauth/authorize', (request, reply) => {
      const authorization = readAuthorization(forge.store, request.query);
      const user = findUser(forge.store, request.body?.login ?? '');
      if ('error' in authorization || !user)
        return reply.code(400).type('text/html; charset=utf-8').send(messagePage('Authorization failed', 'Choose who signs in.'));
      return reply.redirect(grantCode(forge.store, authorization, user), 303);
    });

    oauth.post<{ Body: TokenRequest | null; Querystring: TokenRequest }>('/login/oauth/access_token', (request, reply) => {
      const answer = exchangeCode(forge.store, { ...request.query, ...request.body });
      if (request.headers.accept?.includes('json')) return reply.send(answer);
      return reply.type('application/x-www-form-urlencoded; charset=utf-8').send(new URLSearchParams(answer).toString());
    });
    done();
  });
}
