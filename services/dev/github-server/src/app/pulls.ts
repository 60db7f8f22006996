import { GithubError, validationFailed } from '../errors.ts';
import { now, type Forge } from '../forge.ts';
import { countAheadBehind, gitDirOf, mergeBase, resolveCommit, updateRef } from '../git/bare-repository.ts';
import { listCommits, mergeTrees, readCommit, writeCommit } from '../git/commits.ts';
import type { PullRecord, RepositoryRecord, UserRecord } from '../store/records.ts';
import { announceRefs, measurePull } from './announce-refs.ts';
import { closeIssue, insertIssue, noteEvent, tellIssue } from './issues.ts';
import { openPulls } from './open-pulls.ts';
import { freshPull, isPull, permissionOf } from './permissions.ts';
import { branchProtection } from './protect-branch.ts';
import { personOf } from './repositories.ts';

export interface PullDraft {
  readonly title: string;
  readonly body?: string | null | undefined;
  /** A branch, or `owner:branch` of the same repository. */
  readonly head: string;
  readonly base: string;
  readonly draft?: boolean | undefined;
}

export async function createPull(forge: Forge, repository: RepositoryRecord, actor: UserRecord, draft: PullDraft): Promise<PullRecord> {
  const headRef = draft.head.replace(new RegExp(`^${repository.owner}:`, 'i'), '');
  const { headSha, baseSha } = await branchesOf(forge, repository, headRef, draft.base);
  refuseDuplicate(forge, repository, headRef, draft.base);
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const [{ ahead }, common] = await Promise.all([countAheadBehind(gitDir, baseSha, headSha), mergeBase(gitDir, baseSha, headSha)]);
  if (common === undefined) throw refused(`The ${headRef} branch has no history in common with ${draft.base}`);
  if (ahead === 0) throw refused(`No commits between ${draft.base} and ${headRef}`);
  const numbers = await measurePull(gitDir, baseSha, headSha);
  const pull = forge.store.transaction(() => {
    refuseDuplicate(forge, repository, headRef, draft.base);
    const part = { ...numbers, headRef, baseRef: draft.base, draft: draft.draft ?? false, ...unmerged };
    const issue = insertIssue(forge, repository, actor, { title: draft.title, body: draft.body, pull: part });
    tellIssue(forge, { repository, issue, actor }, 'opened');
    return issue;
  });
  await updateRef(gitDir, `refs/pull/${pull.number}/head`, headSha);
  if (!isPull(pull)) throw new Error('a pull request was stored without its pull part');
  return pull;
}

const unmerged = { mergedAt: null, mergedById: null, mergeCommitSha: null, requestedReviewerIds: [] };

async function branchesOf(forge: Forge, repository: RepositoryRecord, head: string, base: string) {
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const [headSha, baseSha] = await Promise.all([resolveCommit(gitDir, `refs/heads/${head}`), resolveCommit(gitDir, `refs/heads/${base}`)]);
  if (headSha === undefined) throw validationFailed({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  if (baseSha === undefined) throw validationFailed({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  return { headSha, baseSha };
}

function refuseDuplicate(forge: Forge, repository: RepositoryRecord, headRef: string, baseRef: string): void {
  const same = openPulls(forge.store, repository).some(({ pull }) => pull.headRef === headRef && pull.baseRef === baseRef);
  if (same) throw refused(`A pull request already exists for ${repository.owner}:${headRef}.`);
}

function refused(message: string): Error {
  return validationFailed({ resource: 'PullRequest', code: 'custom', message });
}

/** Changes the base branch of an open pull request. */
export async function changeBase(
  forge: Forge,
  repository: RepositoryRecord,
  pull: PullRecord,
  actor: UserRecord,
  base: string,
): Promise<PullRecord> {
  if (base === pull.pull.baseRef) return pull;
  const { headSha, baseSha } = await branchesOf(forge, repository, pull.pull.headRef, base);
  refuseDuplicate(forge, repository, pull.pull.headRef, base);
  const numbers = await measurePull(gitDirOf(forge.dataDir, repository.id), baseSha, headSha);
  return forge.store.transaction(() => {
    const part = { ...freshPull(forge, pull).pull, ...numbers, baseRef: base };
    const issue = forge.store.issues.change(pull, { pull: part, updatedAt: now() });
    const changes = { base: { ref: { from: pull.pull.baseRef }, sha: { from: pull.pull.baseSha } } };
    tellIssue(forge, { repository, issue, actor }, 'edited', { changes });
    return { ...issue, pull: part };
  });
}

/** Null: closed, so nobody asks any more. */
export async function isMergeable(forge: Forge, repository: RepositoryRecord, pull: PullRecord): Promise<boolean | null> {
  if (pull.state === 'closed') return null;
  const tree = await mergeTrees(gitDirOf(forge.dataDir, repository.id), pull.pull.baseSha, pull.pull.headSha);
  return tree !== undefined;
}

export interface MergeRequest {
  readonly method: 'merge' | 'squash';
  readonly title?: string | undefined;
  readonly message?: string | undefined;
  /** The head the caller has seen. */
  readonly sha?: string | undefined;
}

/** Merges and closes; answers the SHA of the new commit on the base branch. */
export async function mergePull(
  forge: Forge,
  repository: RepositoryRecord,
  number: number,
  actor: UserRecord,
  request: MergeRequest,
): Promise<string> {
  const sha = await forge.inOrder(repository.id, async () => {
    const pull = forge.store.issues.find(repository.id, number);
    if (!pull || !isPull(pull) || pull.state !== 'open') throw new GithubError(405, 'Pull Request is not mergeable');
    if (request.sha !== undefined && request.sha !== pull.pull.headSha) {
      throw new GithubError(409, 'Head branch was modified. Review and try the merge again.');
    }
    refuseUnapproved(forge, repository, pull, actor);
    const merged = await commitMerge(forge, repository, pull, actor, request);
    forge.store.transaction(() => {
      const part = { ...pull.pull, mergedAt: now(), mergedById: actor.id, mergeCommitSha: merged };
      const issue = forge.store.issues.change(pull, { pull: part });
      noteEvent(forge, { repository, issue, actor }, 'merged', { commitSha: merged });
      closeIssue(forge, { repository, issue, actor }, null);
    });
    return merged;
  });
  await announceRefs(forge, repository.id, actor);
  return sha;
}

/** GitHub's rule of required approvals: the last decisive review of each reviewer counts. */
function refuseUnapproved(forge: Forge, repository: RepositoryRecord, pull: PullRecord, actor: UserRecord): void {
  const protection = branchProtection(forge, repository, pull.pull.baseRef);
  const needed = protection?.requirePullRequest?.approvals ?? 0;
  const exempt = permissionOf(repository, actor) === 'admin' && !protection?.enforceAdmins;
  if (needed === 0 || exempt) return;
  const latest = new Map<number, string>();
  for (const review of forge.store.reviews.list(pull.id)) {
    if (review.state === 'APPROVED' || review.state === 'CHANGES_REQUESTED') latest.set(review.userId, review.state);
  }
  const states = [...latest.values()];
  if (states.includes('CHANGES_REQUESTED')) throw new GithubError(405, 'Changes were requested by a reviewer with write access.');
  if (states.length < needed) {
    const reviews = needed === 1 ? 'At least 1 approving review is' : `At least ${needed} approving reviews are`;
    throw new GithubError(405, `${reviews} required by reviewers with write access.`);
  }
}

async function commitMerge(
  forge: Forge,
  repository: RepositoryRecord,
  pull: PullRecord,
  actor: UserRecord,
  { method, title, message }: MergeRequest,
): Promise<string> {
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const { headRef, headSha, baseRef } = pull.pull;
  const baseSha = await resolveCommit(gitDir, `refs/heads/${baseRef}`);
  const treeSha = baseSha === undefined ? undefined : await mergeTrees(gitDir, baseSha, headSha);
  if (baseSha === undefined || treeSha === undefined) throw new GithubError(405, 'Pull Request is not mergeable');
  const squash = method === 'squash';
  const subject =
    title ?? (squash ? `${pull.title} (#${pull.number})` : `Merge pull request #${pull.number} from ${repository.owner}/${headRef}`);
  const text = message ?? (squash ? await squashMessage(gitDir, baseSha, headSha) : pull.title);
  const committer = personOf(actor);
  const author = squash ? { ...(await readCommit(gitDir, headSha)).author, date: committer.date } : committer;
  const parents = squash ? [baseSha] : [baseSha, headSha];
  const merged = await writeCommit(gitDir, { treeSha, parents, message: `${subject}\n\n${text}`.trim(), author, committer });
  if (!(await updateRef(gitDir, `refs/heads/${baseRef}`, merged, baseSha))) {
    throw new GithubError(409, 'Base branch was modified. Review and try the merge again.');
  }
  return merged;
}

async function squashMessage(gitDir: string, baseSha: string, headSha: string): Promise<string> {
  const commits = await listCommits(gitDir, { range: [`${baseSha}..${headSha}`], reverse: true });
  return commits.length > 1 ? commits.map((commit) => `* ${commit.message}`).join('\n\n') : '';
}
