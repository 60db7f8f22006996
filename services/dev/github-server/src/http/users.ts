import { z } from 'zod';
import { notFound } from '../errors.ts';
import { createRepository } from '../app/repositories.ts';
import { findUser, permissionOf } from '../app/permissions.ts';
import { presentFullRepository, presentPermissions, presentRepository, repositoryUrls } from '../present/repositories.ts';
import { presentPrivateProfile, presentProfile, presentUser } from '../present/users.ts';
import type { RepositoryRecord } from '../store/records.ts';
import { created, noContent, ok, paged, parseBody, signedIn, type Call, type RepositoryCall, type Route } from './route.ts';

const NewRepository = z.object({
  name: z.string().min(1),
  description: z.string().nullish(),
  private: z.boolean().optional(),
  auto_init: z.boolean().optional(),
});

const RepositoryChanges = z.object({
  description: z.string().nullish(),
  private: z.boolean().optional(),
  default_branch: z.string().optional(),
});

function presentListed(call: Call, repository: RepositoryRecord) {
  const permissions = presentPermissions(permissionOf(repository, call.user));
  return { ...presentRepository(call.forge, repository), permissions };
}

function seenBy(call: Call): RepositoryRecord[] {
  return call.forge.store.repositories.all().filter((repository) => permissionOf(repository, call.user) !== undefined);
}

/** What GitHub lists as one's own: owned or shared, not everything public. */
function ownOrShared(call: Call): RepositoryRecord[] {
  const user = signedIn(call);
  return seenBy(call).filter(({ ownerId, collaborators }) => ownerId === user.id || collaborators[String(user.id)] !== undefined);
}

async function createOwn(call: Call) {
  const owner = signedIn(call);
  const body = parseBody(NewRepository, call.body, 'Repository');
  const readme = `# ${body.name}\n${body.description ? `\n${body.description}\n` : ''}`;
  const files: Record<string, string> = body.auto_init ? { 'README.md': readme } : {};
  const repository = await createRepository(call.forge, { owner, ...body, files });
  return created(presentFullRepository(call.forge, repository, 'admin'), repositoryUrls(call.forge, repository).api);
}

function changeRepository(call: RepositoryCall) {
  const body = parseBody(RepositoryChanges, call.body, 'Repository');
  const repository = call.forge.store.repositories.change(call.repository, {
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.private === undefined ? {} : { private: body.private }),
    ...(body.default_branch === undefined ? {} : { defaultBranch: body.default_branch }),
  });
  return ok(presentFullRepository(call.forge, repository, 'admin'));
}

function userOf({ forge, params }: Call) {
  const user = findUser(forge.store, params['username'] ?? '');
  if (!user) throw notFound();
  return user;
}

function permission(call: RepositoryCall) {
  const user = userOf(call);
  const given = permissionOf(call.repository, user);
  const legacy = given === undefined ? 'none' : given === 'maintain' ? 'write' : given === 'triage' ? 'read' : given;
  const shown = { ...presentUser(call.forge, user), permissions: presentPermissions(given), role_name: given ?? 'none' };
  return ok({ permission: legacy, role_name: given ?? 'none', user: shown });
}

function collaborators(call: RepositoryCall) {
  const { forge, repository } = call;
  const users = forge.store.users.all().filter(({ id }) => id === repository.ownerId || repository.collaborators[String(id)] !== undefined);
  return paged(call, users, (user) => {
    const given = permissionOf(repository, user);
    return { ...presentUser(forge, user), permissions: presentPermissions(given), role_name: given ?? 'none' };
  });
}

function isCollaborator(call: RepositoryCall) {
  const { id } = userOf(call);
  if (id !== call.repository.ownerId && call.repository.collaborators[String(id)] === undefined) throw notFound();
  return noContent;
}

export const userRoutes: readonly Route[] = [
  { method: 'GET', path: '/user', access: 'signed-in', handle: (call) => ok(presentPrivateProfile(call.forge, signedIn(call))) },
  {
    method: 'GET',
    path: '/user/emails',
    access: 'signed-in',
    handle: (call) => paged(call, signedIn(call).emails, (email) => ({ ...email, visibility: email.primary ? 'private' : null })),
  },
  {
    method: 'GET',
    path: '/user/repos',
    access: 'signed-in',
    handle: (call) => paged(call, ownOrShared(call), (repository) => presentListed(call, repository)),
  },
  { method: 'POST', path: '/user/repos', access: 'signed-in', handle: createOwn },
  { method: 'GET', path: '/users/:username', access: 'public', handle: (call) => ok(presentProfile(call.forge, userOf(call))) },
  {
    method: 'GET',
    path: '/users/:username/repos',
    access: 'public',
    handle: (call) => {
      const { id } = userOf(call);
      const owned = seenBy(call).filter(({ ownerId, private: hidden }) => ownerId === id && !hidden);
      return paged(call, owned, (repository) => presentListed(call, repository));
    },
  },
  {
    method: 'GET',
    path: '/repos/:owner/:repo',
    access: 'read',
    handle: ({ forge, repository, user }) =>
      ok(presentFullRepository(forge, repository, user ? permissionOf(repository, user) : undefined)),
  },
  { method: 'PATCH', path: '/repos/:owner/:repo', access: 'admin', handle: changeRepository },
  { method: 'GET', path: '/repos/:owner/:repo/collaborators', access: 'write', handle: collaborators },
  { method: 'GET', path: '/repos/:owner/:repo/collaborators/:username', access: 'write', handle: isCollaborator },
  { method: 'GET', path: '/repos/:owner/:repo/collaborators/:username/permission', access: 'write', handle: permission },
];
