import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sha256 } from '../app/tokens.ts';
import { GithubError } from '../errors.ts';
import type { Viewer } from '../pages/layout.ts';
import type { UserRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';

const cookieName = 'dev_github_session';

/** Who the browser is signed in as. */
export function viewerOf(store: Store, request: FastifyRequest): Viewer | undefined {
  const cookie = cookieOf(request);
  const session = cookie === undefined ? undefined : store.sessions.find('', sha256(cookie));
  const user = session && store.users.get(session.userId);
  return session && user ? { user, session } : undefined;
}

function cookieOf(request: FastifyRequest): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(/;\s*/).map((pair) => pair.split('='));
  return pairs.find(([name]) => name === cookieName)?.[1];
}

export function signIn(store: Store, reply: FastifyReply, user: UserRecord): void {
  const cookie = randomBytes(24).toString('hex');
  store.sessions.insert({ parent: '', name: sha256(cookie) }, { userId: user.id, csrf: randomBytes(24).toString('hex') });
  void reply.header('set-cookie', `${cookieName}=${cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800`);
}

export function signOut(store: Store, reply: FastifyReply, viewer: Viewer): void {
  store.sessions.remove(viewer.session);
  void reply.header('set-cookie', `${cookieName}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`);
}

/** The signed-in viewer of a form whose hidden field proves that it is from one of our pages. */
export function viewerOfForm(store: Store, request: FastifyRequest, csrf: string | undefined): Viewer {
  const viewer = viewerOf(store, request);
  if (!viewer) throw new GithubError(401, 'Sign in first.');
  const expected = Buffer.from(viewer.session.csrf);
  const sent = Buffer.from(csrf ?? '');
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected))
    throw new GithubError(403, 'The form is out of date. Load the page again.');
  return viewer;
}
