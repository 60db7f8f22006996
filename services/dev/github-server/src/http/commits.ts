import { GithubError, notFound } from '../errors.ts';
import { countAheadBehind, gitDirOf, mergeBase, resolveCommit } from '../git/bare-repository.ts';
import { listCommits, readCommit } from '../git/commits.ts';
import { changedFiles, unifiedDiff } from '../git/diffs.ts';
import { findUser } from '../app/permissions.ts';
import { presentChangedFile, presentCommit, presentFullCommit } from '../present/commits.ts';
import { repositoryUrls } from '../present/repositories.ts';
import { ok, paged, pageOf, type Answer, type RepositoryCall, type Route } from './route.ts';

export function gitDirOfCall({ forge, repository }: RepositoryCall): string {
  return gitDirOf(forge.dataDir, repository.id);
}

/** The commit a path parameter names; GitHub's 422 for a name that is none. */
export async function commitOfCall(call: RepositoryCall, name: string): Promise<string> {
  const sha = await resolveCommit(gitDirOfCall(call), name);
  if (sha === undefined) throw new GithubError(422, `No commit found for SHA: ${name}`);
  return sha;
}

async function list(call: RepositoryCall): Promise<Answer> {
  const { forge, repository, query } = call;
  const gitDir = gitDirOfCall(call);
  const start = await resolveCommit(gitDir, query['sha'] ?? repository.defaultBranch);
  if (start === undefined) throw query['sha'] === undefined ? new GithubError(409, 'Git Repository is empty.') : notFound();
  const { page, perPage } = pageOf(query);
  // One more than asked for tells whether there is a next page without reading the whole history.
  const limit = page * perPage + 1;
  const commits = await listCommits(gitDir, { range: [start], limit, ...(query['path'] === undefined ? {} : { path: query['path'] }) });
  const { author } = query;
  const emails = author === undefined ? undefined : (findUser(forge.store, author)?.emails.map(({ email }) => email) ?? [author]);
  const wanted = emails === undefined ? commits : commits.filter((commit) => emails.includes(commit.author.email));
  return paged(call, wanted, (commit) => presentCommit(forge, repository, commit));
}

async function one(call: RepositoryCall): Promise<Answer> {
  const gitDir = gitDirOfCall(call);
  const commit = await readCommit(gitDir, await commitOfCall(call, call.params['ref'] ?? ''));
  if (/application\/vnd\.github(\.v3)?\.diff/.test(call.accept)) {
    return { body: await unifiedDiff(gitDir, commit.parents[0], commit.sha), type: 'application/vnd.github.v3.diff; charset=utf-8' };
  }
  const files = await changedFiles(gitDir, commit.parents[0], commit.sha);
  return ok(presentFullCommit(call.forge, call.repository, commit, files));
}

/** `base...head`, branches with or without `owner:`. */
async function compare(call: RepositoryCall): Promise<Answer> {
  const { repository } = call;
  const [base, head, ...rest] = (call.params['*'] ?? '').split('...').map((name) => name.replace(`${repository.owner}:`, ''));
  if (!base || !head || rest.length > 0) throw notFound();
  const gitDir = gitDirOfCall(call);
  const [baseSha, headSha] = await Promise.all([resolveCommit(gitDir, base), resolveCommit(gitDir, head)]);
  const common = baseSha && headSha ? await mergeBase(gitDir, baseSha, headSha) : undefined;
  if (baseSha === undefined || headSha === undefined || common === undefined) throw notFound();
  if (/application\/vnd\.github(\.v3)?\.diff/.test(call.accept)) {
    return { body: await unifiedDiff(gitDir, common, headSha), type: 'application/vnd.github.v3.diff; charset=utf-8' };
  }
  return ok(await presentComparison(call, { base, head, baseSha, headSha, common }));
}

interface Compared {
  readonly base: string;
  readonly head: string;
  readonly baseSha: string;
  readonly headSha: string;
  readonly common: string;
}

async function presentComparison(call: RepositoryCall, { base, head, baseSha, headSha, common }: Compared) {
  const { forge, repository } = call;
  const gitDir = gitDirOfCall(call);
  const { api, html } = repositoryUrls(forge, repository);
  const page = `${html}/compare/${base}...${head}`;
  const [{ ahead, behind }, commits, files, baseCommit, mergeBaseCommit] = await Promise.all([
    countAheadBehind(gitDir, baseSha, headSha),
    listCommits(gitDir, { range: [`${baseSha}..${headSha}`], reverse: true }),
    changedFiles(gitDir, common, headSha),
    readCommit(gitDir, baseSha),
    readCommit(gitDir, common),
  ]);
  return {
    url: `${api}/compare/${base}...${head}`,
    html_url: page,
    permalink_url: `${html}/compare/${repository.owner}:${baseSha.slice(0, 7)}...${repository.owner}:${headSha.slice(0, 7)}`,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    base_commit: presentCommit(forge, repository, baseCommit),
    merge_base_commit: presentCommit(forge, repository, mergeBaseCommit),
    status: ahead > 0 ? (behind > 0 ? 'diverged' : 'ahead') : behind > 0 ? 'behind' : 'identical',
    ahead_by: ahead,
    behind_by: behind,
    total_commits: ahead,
    commits: commits.slice(0, 250).map((commit) => presentCommit(forge, repository, commit)),
    files: files.slice(0, 300).map((file) => presentChangedFile(forge, repository, headSha, file)),
  };
}

export const commitRoutes: readonly Route[] = [
  { method: 'GET', path: '/repos/:owner/:repo/commits', access: 'read', handle: list },
  { method: 'GET', path: '/repos/:owner/:repo/commits/:ref', access: 'read', handle: one },
  { method: 'GET', path: '/repos/:owner/:repo/compare/*', access: 'read', handle: compare },
];
