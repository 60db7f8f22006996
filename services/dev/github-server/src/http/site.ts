import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { findUser, permissionOf } from '../app/permissions.ts';
import { GithubError, notFound } from '../errors.ts';
import type { Forge } from '../forge.ts';
import { messagePage } from '../pages/authorize.ts';
import { repositoriesPage, signInPage } from '../pages/repositories.ts';
import { sendPage } from './page-access.ts';
import { mountRepositoryPages } from './site-read.ts';
import { mountForms } from './site-write.ts';
import { signIn, signOut, viewerOf, viewerOfForm } from './sessions.ts';
import { page } from '../pages/layout.ts';
import { html } from '../pages/html.ts';

/** Pages for people, without a script: forms post and redirect. */
export function mountSite(app: FastifyInstance, forge: Forge): void {
  const css = readFileSync(new URL('../pages/site.css', import.meta.url), 'utf8');
  void app.register((site, _options, done) => {
    site.removeAllContentTypeParsers();
    site.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, next) =>
      next(null, Object.fromEntries(new URLSearchParams(String(body)))),
    );
    site.setErrorHandler((error, _request, reply) => sendErrorPage(forge, error, reply));
    site.get('/assets/site.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(css));
    site.get('/', (request, reply) => {
      const viewer = viewerOf(forge.store, request);
      const seen = forge.store.repositories.all().filter((repository) => permissionOf(repository, viewer?.user) !== undefined);
      return sendPage(reply, repositoriesPage(seen, viewer));
    });
    mountSignIn(site, forge);
    mountRepositoryPages(site, forge);
    mountForms(site, forge);
    done();
  });
}

function sendErrorPage(forge: Forge, error: unknown, reply: FastifyReply): void {
  const status = error instanceof GithubError ? error.status : 500;
  if (status === 500) forge.log.error({ err: error }, 'page failed');
  const text = error instanceof GithubError ? wordsOf(error) : 'Something went wrong in this server; its log says what.';
  void sendPage(reply.code(status), messagePage(status === 404 ? 'Not found' : 'That did not work', text));
}

function wordsOf({ message, errors = [] }: GithubError): string {
  const details = errors.map((problem) =>
    typeof problem === 'string' ? problem : (problem.message ?? `${problem.field} is ${problem.code}`),
  );
  return details.length > 0 ? details.join(' ') : message;
}

function mountSignIn(site: FastifyInstance, forge: Forge): void {
  site.get<{ Querystring: { return_to?: string } }>('/login', (request, reply) => {
    const people = forge.store.users.all().filter(({ type }) => type === 'User');
    return sendPage(reply, signInPage(people, localPath(request.query.return_to)));
  });
  site.post<{ Body: { login?: string; return_to?: string } }>('/login', (request, reply) => {
    const user = findUser(forge.store, request.body.login ?? '');
    if (!user) throw notFound();
    signIn(forge.store, reply, user);
    return reply.redirect(localPath(request.body.return_to), 303);
  });
  site.post<{ Body: { csrf?: string } }>('/logout', (request, reply) => {
    signOut(forge.store, reply, viewerOfForm(forge.store, request, request.body.csrf));
    return reply.redirect('/', 303);
  });
  // A person's page is where avatars and names link to; there is nothing on it but the way on.
  site.get<{ Params: { owner: string } }>('/:owner', (request, reply) => {
    const user = findUser(forge.store, request.params.owner);
    if (!user) throw notFound();
    const body = html`<h1>${user.login}</h1>
      <p>${user.name}</p>
      <p><a href="/">Repositories</a></p>`;
    return sendPage(reply, page({ title: user.login, body, viewer: viewerOf(forge.store, request) }));
  });
}

/** Only paths of this site: an address with a host would make the sign-in an open redirect. */
function localPath(path: string | undefined): string {
  return path !== undefined && /^\/(?![/\\])/.test(path) ? path : '/';
}
