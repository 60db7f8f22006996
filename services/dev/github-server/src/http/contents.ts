import { z } from 'zod';
import { GithubError, notFound, validationFailed } from '../errors.ts';
import { announceRefs } from '../app/announce-refs.ts';
import { branchProtection } from '../app/protect-branch.ts';
import { permissionOf } from '../app/permissions.ts';
import { personOf } from '../app/repositories.ts';
import { resolveCommit, updateRef } from '../git/bare-repository.ts';
import { readCommit, writeCommit, type Person } from '../git/commits.ts';
import { changeTree, findEntry, listTree, readBlob, type TreeEntry } from '../git/trees.ts';
import { presentCommit } from '../present/commits.ts';
import { repositoryUrls } from '../present/repositories.ts';
import { now } from '../forge.ts';
import { gitDirOfCall } from './commits.ts';
import { ok, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';

const Author = z.object({ name: z.string(), email: z.string(), date: z.string().optional() });
const FileWrite = z.object({
  message: z.string().min(1),
  content: z.string(),
  sha: z.string().optional(),
  branch: z.string().optional(),
  author: Author.optional(),
  committer: Author.optional(),
});
const FileRemoval = FileWrite.omit({ content: true }).extend({ sha: z.string() });

function pathOf(call: RepositoryCall): string {
  return (call.params['*'] ?? '').replace(/^\/+|\/+$/g, '');
}

function presentEntry(call: RepositoryCall, ref: string, path: string, entry: TreeEntry) {
  const { api, html } = repositoryUrls(call.forge, call.repository);
  const type = entry.type === 'tree' ? 'dir' : entry.type === 'commit' ? 'submodule' : entry.mode === '120000' ? 'symlink' : 'file';
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const self = `${api}/contents/${encoded}?ref=${ref}`;
  const git = `${api}/git/${type === 'dir' ? 'trees' : 'blobs'}/${entry.sha}`;
  const page = `${html}/${type === 'dir' ? 'tree' : 'blob'}/${ref}/${encoded}`;
  return {
    name: path.split('/').at(-1) ?? '',
    path,
    sha: entry.sha,
    size: entry.size,
    url: self,
    html_url: page,
    git_url: git,
    download_url: type === 'file' ? `${html}/raw/${ref}/${encoded}` : null,
    type,
    _links: { self, git, html: page },
  };
}

async function get(call: RepositoryCall): Promise<Answer> {
  const gitDir = gitDirOfCall(call);
  const ref = call.query['ref'] ?? call.repository.defaultBranch;
  const commit = await resolveCommit(gitDir, ref);
  if (commit === undefined)
    throw new GithubError(404, call.query['ref'] === undefined ? 'This repository is empty.' : `No commit found for the ref ${ref}`);
  const path = pathOf(call);
  const entry = await findEntry(gitDir, commit, path);
  if (!entry) throw notFound();
  if (entry.type === 'tree') {
    const entries = await listTree(gitDir, entry.sha);
    return ok(entries.map((child) => presentEntry(call, ref, path === '' ? child.path : `${path}/${child.path}`, child)));
  }
  const content = await readBlob(gitDir, entry.sha);
  if (/application\/vnd\.github(\.v3)?\.raw/.test(call.accept)) {
    return { body: content.toString('utf8'), type: 'application/vnd.github.v3.raw; charset=utf-8' };
  }
  const encoded = content.toString('base64').replaceAll(/.{60}(?=.)/g, '$&\n'); // GitHub breaks lines after 60 characters
  return ok({ ...presentEntry(call, ref, path, entry), content: `${encoded}\n`, encoding: 'base64' });
}

interface Write {
  readonly message: string;
  readonly sha?: string | undefined;
  readonly branch?: string | undefined;
  readonly author?: z.infer<typeof Author> | undefined;
  readonly committer?: z.infer<typeof Author> | undefined;
}

/** Commits one change to a branch, as GitHub's editor does; 409 when the file is not what the caller has seen. */
async function write(call: RepositoryCall, change: Write, content: Buffer | null) {
  const { forge, repository } = call;
  const user = signedIn(call);
  const gitDir = gitDirOfCall(call);
  const path = pathOf(call);
  const branch = change.branch ?? repository.defaultBranch;
  refuseProtected(call, branch);
  const parent = await resolveCommit(gitDir, `refs/heads/${branch}`);
  if (parent === undefined && Object.keys(repository.refs).length > 0) throw new GithubError(404, `Branch ${branch} not found`);
  const existing = parent === undefined ? undefined : await findEntry(gitDir, parent, path);
  if (existing && change.sha === undefined) throw new GithubError(422, `Invalid request.\n\n"sha" wasn't supplied.`);
  if (change.sha !== undefined && existing?.sha !== change.sha) throw new GithubError(409, `${path} does not match ${change.sha}`);
  const treeSha = await changeTree(gitDir, parent, [{ path, content }]);
  const committer = withDate(change.committer) ?? personOf(user);
  const author = withDate(change.author) ?? committer;
  const sha = await writeCommit(gitDir, {
    treeSha,
    parents: parent === undefined ? [] : [parent],
    message: change.message,
    author,
    committer,
  });
  if (!(await updateRef(gitDir, `refs/heads/${branch}`, sha, parent ?? ''))) throw new GithubError(409, 'The branch was updated meanwhile');
  await announceRefs(forge, repository.id, user);
  const entry = content === null ? undefined : await findEntry(gitDir, sha, path);
  return { created: !existing, body: await presentWrite(call, { branch, path, sha, entry }) };
}

function withDate(author: z.infer<typeof Author> | undefined): Person | undefined {
  return author && { name: author.name, email: author.email, date: author.date ?? now() };
}

function refuseProtected(call: RepositoryCall, branch: string): void {
  const protection = branchProtection(call.forge, call.repository, branch);
  const exempt = permissionOf(call.repository, call.user) === 'admin' && !protection?.enforceAdmins;
  if (protection?.requirePullRequest && !exempt) {
    throw new GithubError(409, 'Repository rule violations found\n\nChanges must be made through a pull request.');
  }
}

interface Written {
  readonly branch: string;
  readonly path: string;
  readonly sha: string;
  readonly entry: TreeEntry | undefined;
}

async function presentWrite(call: RepositoryCall, { branch, path, sha, entry }: Written) {
  const { commit, ...links } = presentCommit(call.forge, call.repository, await readCommit(gitDirOfCall(call), sha));
  const { comment_count: _, ...details } = commit;
  return {
    content: entry === undefined ? null : presentEntry(call, branch, path, entry),
    commit: { ...details, sha: links.sha, node_id: links.node_id, url: links.url, html_url: links.html_url, parents: links.parents },
  };
}

async function put(call: RepositoryCall): Promise<Answer> {
  const { content, ...change } = parseBody(FileWrite, call.body, 'Commit');
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) throw validationFailed('content is not valid Base64');
  const written = await write(call, change, Buffer.from(content, 'base64'));
  return { status: written.created ? 201 : 200, body: written.body };
}

async function remove(call: RepositoryCall): Promise<Answer> {
  const change = parseBody(FileRemoval, call.body, 'Commit');
  return ok((await write(call, change, null)).body);
}

const contents = '/repos/:owner/:repo/contents/*';

export const contentRoutes: readonly Route[] = [
  { method: 'GET', path: contents, access: 'read', handle: get },
  { method: 'PUT', path: contents, access: 'write', handle: put },
  { method: 'DELETE', path: contents, access: 'write', handle: remove },
];
