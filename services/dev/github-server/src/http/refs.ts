import { z } from 'zod';
import { GithubError, notFound } from '../errors.ts';
import { announceRefs } from '../app/announce-refs.ts';
import { branchProtection } from '../app/protect-branch.ts';
import { deleteRef, isAncestor, isValidRef, listRefs, objectType, updateRef } from '../git/bare-repository.ts';
import { repositoryUrls } from '../present/repositories.ts';
import { nodeId } from '../present/users.ts';
import { gitDirOfCall } from './commits.ts';
import { created, noContent, ok, paged, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';

const Sha = z.string().regex(/^[0-9a-f]{40}$/);
const NewRef = z.object({ ref: z.string().min(1), sha: Sha });
const RefChange = z.object({ sha: Sha, force: z.boolean().default(false) });

/** `heads/x` or `refs/heads/x`, as the path has it. */
function nameOf(call: RepositoryCall): string {
  return `refs/${(call.params['*'] ?? '').replace(/^refs\//, '')}`;
}

async function present(call: RepositoryCall, ref: string, sha: string) {
  const { api } = repositoryUrls(call.forge, call.repository);
  const type = ref.startsWith('refs/heads/') ? 'commit' : ((await objectType(gitDirOfCall(call), sha)) ?? 'commit'); // git lets a branch point at nothing else
  return { ref, node_id: nodeId('Ref', ref), url: `${api}/git/${ref}`, object: { sha, type, url: `${api}/git/${type}s/${sha}` } };
}

async function get(call: RepositoryCall): Promise<Answer> {
  const ref = nameOf(call);
  const sha = (await listRefs(gitDirOfCall(call)))[ref];
  if (sha === undefined) throw notFound();
  return ok(await present(call, ref, sha));
}

async function matching(call: RepositoryCall): Promise<Answer> {
  const refs = Object.entries(await listRefs(gitDirOfCall(call))).filter(([ref]) => ref.startsWith(nameOf(call)));
  const presented = await Promise.all(refs.map(([ref, sha]) => present(call, ref, sha)));
  return paged(call, presented, (ref) => ref);
}

async function create(call: RepositoryCall): Promise<Answer> {
  const { ref, sha } = parseBody(NewRef, call.body, 'Reference');
  const gitDir = gitDirOfCall(call);
  if (!/^refs\/(heads|tags)\//.test(ref) || !(await isValidRef(gitDir, ref))) {
    throw new GithubError(422, 'Reference name must start with refs/ and have at least two slashes');
  }
  if ((await objectType(gitDir, sha)) === undefined) throw new GithubError(422, 'Object does not exist');
  if (!(await updateRef(gitDir, ref, sha, ''))) throw new GithubError(422, 'Reference already exists');
  await announceRefs(call.forge, call.repository.id, signedIn(call));
  const presented = await present(call, ref, sha);
  return created(presented, presented.url);
}

function protectionOf(call: RepositoryCall, ref: string) {
  return branchProtection(call.forge, call.repository, ref.replace('refs/heads/', ''));
}

async function change(call: RepositoryCall): Promise<Answer> {
  const { sha, force } = parseBody(RefChange, call.body, 'Reference');
  const ref = nameOf(call);
  const gitDir = gitDirOfCall(call);
  const from = (await listRefs(gitDir))[ref];
  if (from === undefined) throw new GithubError(422, 'Reference does not exist');
  if ((await objectType(gitDir, sha)) === undefined) throw new GithubError(422, 'Object does not exist');
  const forward = await isAncestor(gitDir, from, sha);
  if (!forward && !force) throw new GithubError(422, 'Update is not a fast forward');
  const protection = protectionOf(call, ref);
  if (!forward && protection && !protection.allowForcePushes) throw new GithubError(422, 'Cannot force-push to a protected branch');
  if (!(await updateRef(gitDir, ref, sha, from))) throw new GithubError(422, 'Reference was updated meanwhile');
  await announceRefs(call.forge, call.repository.id, signedIn(call));
  return ok(await present(call, ref, sha));
}

async function remove(call: RepositoryCall): Promise<Answer> {
  const ref = nameOf(call);
  const gitDir = gitDirOfCall(call);
  if ((await listRefs(gitDir))[ref] === undefined) throw new GithubError(422, 'Reference does not exist');
  const protection = protectionOf(call, ref);
  if (protection && !protection.allowDeletions) throw new GithubError(422, 'Cannot delete a protected branch');
  await deleteRef(gitDir, ref);
  await announceRefs(call.forge, call.repository.id, signedIn(call));
  return noContent;
}

const git = '/repos/:owner/:repo/git';

export const refRoutes: readonly Route[] = [
  { method: 'GET', path: `${git}/ref/*`, access: 'read', handle: get },
  { method: 'GET', path: `${git}/matching-refs/*`, access: 'read', handle: matching },
  { method: 'POST', path: `${git}/refs`, access: 'write', handle: create },
  { method: 'PATCH', path: `${git}/refs/*`, access: 'write', handle: change },
  { method: 'DELETE', path: `${git}/refs/*`, access: 'write', handle: remove },
];
