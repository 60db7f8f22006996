import { z } from 'zod';
import { notFound, validationFailed } from '../errors.ts';
import { changeIssue } from '../app/issues.ts';
import { findUser, freshPull, isPull, permissionOf, pullOf } from '../app/permissions.ts';
import { changeBase, createPull, isMergeable, mergePull } from '../app/pulls.ts';
import { noteEvent, tellIssue } from '../app/issues.ts';
import { filesOfPull } from '../app/reviews.ts';
import { now } from '../forge.ts';
import { gitDirOf, mergeBase } from '../git/bare-repository.ts';
import { listCommits } from '../git/commits.ts';
import { mailPatches, unifiedDiff } from '../git/diffs.ts';
import { presentChangedFile, presentCommit } from '../present/commits.ts';
import { presentPull, presentSimplePull } from '../present/pulls.ts';
import { presentUser, presentUserId } from '../present/users.ts';
import type { PullRecord } from '../store/records.ts';
import { created, noContent, ok, paged, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';

const NewPull = z.object({
  title: z.string().min(1),
  body: z.string().nullish(),
  head: z.string().min(1),
  base: z.string().min(1),
  draft: z.boolean().optional(),
});

const PullChanges = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']).optional(),
  base: z.string().optional(),
});

const Merge = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(['merge', 'squash']).default('merge'),
});

const Reviewers = z.object({ reviewers: z.array(z.string()).default([]) });

export function pullOfCall(call: RepositoryCall): PullRecord {
  return pullOf(call.forge, call.repository, Number(call.params['number']));
}

async function create(call: RepositoryCall): Promise<Answer> {
  const pull = await createPull(call.forge, call.repository, signedIn(call), parseBody(NewPull, call.body, 'PullRequest'));
  const presented = presentPull(call.forge, call.repository, pull);
  return created(presented, presented.url);
}

function list(call: RepositoryCall): Answer {
  const { forge, repository, query } = call;
  const state = query['state'] ?? 'open';
  const head = query['head']?.replace(/^[^:]*:/, '');
  const pulls = forge.store.issues
    .list(repository.id)
    .filter(isPull)
    .filter((pull) => state === 'all' || pull.state === state)
    .filter((pull) => head === undefined || (pull.pull.headRef === head && isOwnHead(query['head'], repository.owner)))
    .filter((pull) => query['base'] === undefined || pull.pull.baseRef === query['base']);
  const key = (pull: PullRecord): string => (query['sort'] === 'updated' ? pull.updatedAt : pull.createdAt);
  const ascending = pulls.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.number - b.number));
  const descending =
    query['direction'] === undefined ? query['sort'] === undefined || query['sort'] === 'created' : query['direction'] === 'desc';
  return paged(call, descending ? ascending.toReversed() : ascending, (pull) => presentSimplePull(forge, repository, pull));
}

/** `owner:branch` of another account names a fork, which this server has none of. */
function isOwnHead(head: string | undefined, owner: string): boolean {
  const [account] = head?.includes(':') ? head.split(':') : [owner];
  return account?.toLowerCase() === owner.toLowerCase();
}

async function get(call: RepositoryCall): Promise<Answer> {
  const { forge, repository } = call;
  const pull = pullOfCall(call);
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  if (/application\/vnd\.github(\.v3)?\.diff/.test(call.accept)) {
    const from = await mergeBase(gitDir, pull.pull.baseSha, pull.pull.headSha);
    return { body: await unifiedDiff(gitDir, from, pull.pull.headSha), type: 'application/vnd.github.v3.diff; charset=utf-8' };
  }
  if (/application\/vnd\.github(\.v3)?\.patch/.test(call.accept)) {
    return {
      body: await mailPatches(gitDir, pull.pull.baseSha, pull.pull.headSha),
      type: 'application/vnd.github.v3.patch; charset=utf-8',
    };
  }
  return ok(presentPull(forge, repository, pull, await isMergeable(forge, repository, pull)));
}

async function change(call: RepositoryCall): Promise<Answer> {
  const body = parseBody(PullChanges, call.body, 'PullRequest');
  const { forge, repository } = call;
  const actor = signedIn(call);
  const pull = pullOfCall(call);
  if (body.state === 'open' && pull.pull.mergedAt !== null) {
    throw validationFailed({ resource: 'PullRequest', field: 'state', code: 'invalid', message: 'state cannot be changed.' });
  }
  const based = body.base === undefined ? pull : await changeBase(forge, repository, pull, actor, body.base);
  const issue = changeIssue(forge, { repository, issue: based, actor }, { title: body.title, body: body.body, state: body.state });
  return ok(presentPull(forge, repository, freshPull(forge, { ...based, ...issue, pull: based.pull })));
}

async function merge(call: RepositoryCall): Promise<Answer> {
  const body = parseBody(Merge, call.body, 'PullRequest');
  const pull = pullOfCall(call);
  const sha = await mergePull(call.forge, call.repository, pull.number, signedIn(call), {
    method: body.merge_method,
    title: body.commit_title,
    message: body.commit_message,
    sha: body.sha,
  });
  return ok({ sha, merged: true, message: 'Pull Request successfully merged' });
}

function isMerged(call: RepositoryCall): Answer {
  if (pullOfCall(call).pull.mergedAt === null) throw notFound();
  return noContent;
}

async function files(call: RepositoryCall): Promise<Answer> {
  const pull = pullOfCall(call);
  const changed = await filesOfPull(call.forge, { repository: call.repository, pull });
  return paged(call, changed, (file) => presentChangedFile(call.forge, call.repository, pull.pull.headSha, file));
}

async function commits(call: RepositoryCall): Promise<Answer> {
  const { pull } = pullOfCall(call);
  const range = [`${pull.baseSha}..${pull.headSha}`];
  const list = await listCommits(gitDirOf(call.forge.dataDir, call.repository.id), { range, reverse: true, limit: 250 });
  return paged(call, list, (commit) => presentCommit(call.forge, call.repository, commit));
}

function requestedReviewers(call: RepositoryCall): Answer {
  const { pull } = pullOfCall(call);
  return ok({ users: pull.requestedReviewerIds.map((id) => presentUserId(call.forge, id)), teams: [] });
}

function changeReviewers(call: RepositoryCall, add: boolean): Answer {
  const { forge, repository } = call;
  const pull = pullOfCall(call);
  const actor = signedIn(call);
  const users = parseBody(Reviewers, call.body, 'PullRequest').reviewers.map((login) => {
    const user = findUser(forge.store, login);
    if (user && user.id !== pull.userId && (!add || permissionOf(repository, user) !== undefined)) return user;
    throw validationFailed(`Reviews may only be requested from collaborators. One or more of the users is not a collaborator: ${login}`);
  });
  const changed = forge.store.transaction(() => {
    let current = freshPull(forge, pull);
    for (const user of users) {
      const others = current.pull.requestedReviewerIds.filter((id) => id !== user.id);
      const part = { ...current.pull, requestedReviewerIds: add ? [...others, user.id] : others };
      current = { ...forge.store.issues.change(current, { pull: part, updatedAt: now() }), pull: part };
      const act = { repository, issue: current, actor };
      if (add) noteEvent(forge, act, 'review_requested', { assigneeId: user.id });
      tellIssue(forge, act, add ? 'review_requested' : 'review_request_removed', { requested_reviewer: presentUser(forge, user) });
    }
    return current;
  });
  const presented = presentSimplePull(forge, repository, changed);
  return add ? created(presented) : ok(presented);
}

const pulls = '/repos/:owner/:repo/pulls';
const one = `${pulls}/:number`;

export const pullRoutes: readonly Route[] = [
  { method: 'GET', path: pulls, access: 'read', handle: list },
  { method: 'POST', path: pulls, access: 'write', handle: create },
  { method: 'GET', path: one, access: 'read', handle: get },
  { method: 'PATCH', path: one, access: 'write', handle: change },
  {
    method: 'GET',
    path: `${one}/merge`,
    access: 'read',
    handle: isMerged,
  },
  { method: 'PUT', path: `${one}/merge`, access: 'write', handle: merge },
  { method: 'GET', path: `${one}/files`, access: 'read', handle: files },
  { method: 'GET', path: `${one}/commits`, access: 'read', handle: commits },
  { method: 'GET', path: `${one}/requested_reviewers`, access: 'read', handle: requestedReviewers },
  { method: 'POST', path: `${one}/requested_reviewers`, access: 'write', handle: (call) => changeReviewers(call, true) },
  { method: 'DELETE', path: `${one}/requested_reviewers`, access: 'write', handle: (call) => changeReviewers(call, false) },
];
