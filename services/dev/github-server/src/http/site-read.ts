import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isPull, issueOf, pullOf } from '../app/permissions.ts';
import { branchProtection } from '../app/protect-branch.ts';
import { isMergeable } from '../app/pulls.ts';
import { filesOfPull } from '../app/reviews.ts';
import { GithubError, notFound } from '../errors.ts';
import type { Forge } from '../forge.ts';
import { gitDirOf, listRefs, mergeBase, resolveCommit } from '../git/bare-repository.ts';
import { listCommits, readCommit } from '../git/commits.ts';
import { changedFiles, mailPatches, unifiedDiff } from '../git/diffs.ts';
import { findEntry, readBlob } from '../git/trees.ts';
import { issuePage, issuesPage, newIssuePage } from '../pages/issues.ts';
import { commitPage, pullPage, type PullPage } from '../pages/pulls.ts';
import { repositoryPage } from '../pages/repositories.ts';
import { atLeast } from '../present/repositories.ts';
import type { RepositoryRecord } from '../store/records.ts';
import { repositoryOf, sendPage, type RepositoryParams } from './page-access.ts';

interface NumberedRoute {
  Params: RepositoryParams & { readonly number: string };
}

interface ListRoute {
  Params: RepositoryParams;
  Querystring: { state?: string };
}

export function mountRepositoryPages(site: FastifyInstance, forge: Forge): void {
  site.get<{ Params: RepositoryParams }>('/:owner/:repo', async (request, reply) => {
    const page = repositoryOf(forge, request);
    const cloneUrl = `${forge.urls.html}/${page.repository.owner}/${page.repository.name}.git`;
    const [branches, readme] = await Promise.all([branchesOf(forge, page.repository), readmeOf(forge, page.repository)]);
    return sendPage(reply, repositoryPage({ ...page, cloneUrl, branches, readme }));
  });
  for (const kind of ['issues', 'pulls'] as const) {
    site.get<ListRoute>(`/:owner/:repo/${kind}`, (request, reply) => {
      const page = repositoryOf(forge, request);
      const state = request.query.state === 'closed' ? 'closed' : 'open';
      const all = forge.store.issues
        .list(page.repository.id)
        .filter((issue) => isPull(issue) === (kind === 'pulls') && issue.state === state);
      return sendPage(reply, issuesPage({ ...page, kind, state, issues: all.toReversed() }));
    });
  }
  site.get<{ Params: RepositoryParams }>('/:owner/:repo/issues/new', (request, reply) => {
    const page = repositoryOf(forge, request);
    if (!page.viewer) return reply.redirect(`/login?return_to=${encodeURIComponent(request.url)}`);
    return sendPage(reply, newIssuePage(page));
  });
  site.get<NumberedRoute>('/:owner/:repo/issues/:number', (request, reply) => {
    const page = issueView(forge, request);
    if (isPull(page.issue)) return reply.redirect(request.url.replace('/issues/', '/pull/'));
    return sendPage(reply, issuePage(page));
  });
  mountPullPages(site, forge);
}

function issueView(forge: Forge, request: FastifyRequest<NumberedRoute>) {
  const page = repositoryOf(forge, request);
  const issue = issueOf(forge, page.repository, Number(request.params.number));
  const signedIn = page.viewer !== undefined;
  const mayLabel = signedIn && atLeast(page.permission, 'triage');
  return { ...page, issue, mayLabel, mayClose: mayLabel || (signedIn && page.viewer?.user.id === issue.userId) };
}

function mountPullPages(site: FastifyInstance, forge: Forge): void {
  const tabs = { '': 'conversation', '/commits': 'commits', '/files': 'files' } as const;
  for (const [suffix, tab] of Object.entries(tabs)) {
    site.get<NumberedRoute>(`/:owner/:repo/pull/:number${suffix}`, async (request, reply) => {
      const { number } = request.params;
      if (/^\d+[.](diff|patch)$/.test(number)) {
        return reply.type('text/plain; charset=utf-8').send(await rawDiff(forge, request));
      }
      return sendPage(reply, pullPage(await pullView(forge, request, tab)));
    });
  }
  site.get<{ Params: RepositoryParams & { sha: string } }>('/:owner/:repo/commit/:sha', async (request, reply) => {
    const page = repositoryOf(forge, request);
    const gitDir = gitDirOf(forge.dataDir, page.repository.id);
    const sha = await resolveCommit(gitDir, request.params.sha);
    if (sha === undefined) throw notFound();
    const commit = await readCommit(gitDir, sha);
    return sendPage(reply, commitPage({ ...page, commit, files: await changedFiles(gitDir, commit.parents[0], sha) }));
  });
}

async function pullView(forge: Forge, request: FastifyRequest<NumberedRoute>, tab: PullPage['tab']): Promise<PullPage> {
  const page = issueView(forge, request);
  const { repository } = page;
  const issue = pullOf(forge, repository, page.issue.number);
  const range = [`${issue.pull.baseSha}..${issue.pull.headSha}`];
  const [commits, files, mergeable] = await Promise.all([
    listCommits(gitDirOf(forge.dataDir, repository.id), { range, reverse: true }),
    filesOfPull(forge, { repository, pull: issue }),
    isMergeable(forge, repository, issue),
  ]);
  const mayMerge = page.viewer !== undefined && atLeast(page.permission, 'write');
  return { ...page, issue, tab, commits, files, mergeable, mayMerge };
}

/** `/pull/1.diff` and `/pull/1.patch`. */
async function rawDiff(forge: Forge, request: FastifyRequest<NumberedRoute>): Promise<string> {
  const [number, kind] = request.params.number.split('.');
  const { repository } = repositoryOf(forge, request);
  const { pull } = pullOf(forge, repository, Number(number));
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const from = await mergeBase(gitDir, pull.baseSha, pull.headSha);
  if (from === undefined) throw new GithubError(404, 'The branches have no history in common.');
  return kind === 'diff' ? unifiedDiff(gitDir, from, pull.headSha) : mailPatches(gitDir, from, pull.headSha);
}

async function branchesOf(forge: Forge, repository: RepositoryRecord) {
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const heads = Object.entries(await listRefs(gitDir)).filter(([ref]) => ref.startsWith('refs/heads/'));
  return Promise.all(
    heads.map(async ([ref, sha]) => {
      const name = ref.slice('refs/heads/'.length);
      return { name, isProtected: branchProtection(forge, repository, name) !== undefined, last: await readCommit(gitDir, sha) };
    }),
  );
}

async function readmeOf(forge: Forge, repository: RepositoryRecord): Promise<string | undefined> {
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const head = await resolveCommit(gitDir, `refs/heads/${repository.defaultBranch}`);
  const entry = head === undefined ? undefined : await findEntry(gitDir, head, 'README.md');
  return entry?.type === 'blob' ? (await readBlob(gitDir, entry.sha)).toString('utf8') : undefined;
}
