import { now, type Forge } from '../forge.ts';
import { countAheadBehind, gitDirOf, isAncestor, listRefs, mergeBase, updateRef } from '../git/bare-repository.ts';
import { listCommits, type Commit } from '../git/commits.ts';
import { changedFiles, type ChangedFile } from '../git/diffs.ts';
import { presentPushedCommit } from '../present/commits.ts';
import { repositoryUrls } from '../present/repositories.ts';
import type { PullPart, RepositoryRecord, UserRecord } from '../store/records.ts';
import { publish } from '../webhooks/publish.ts';
import { closeIssue, noteEvent, tellIssue } from './issues.ts';
import { openPulls } from './open-pulls.ts';
import { isPull } from './permissions.ts';

/**
 * Turns what changed in git into events, exactly once: `refs` of the repository document are the refs already told about, and they move in
 * the transaction that queues the events. Called after every push and every change of ours, and at start for what a killed process left.
 */
export function announceRefs(forge: Forge, repositoryId: number, pusher: UserRecord): Promise<void> {
  return forge.inOrder(repositoryId, async () => {
    const repository = forge.store.repositories.get(repositoryId);
    if (!repository) return;
    const refs = await listRefs(gitDirOf(forge.dataDir, repositoryId));
    for (const ref of new Set([...Object.keys(repository.refs), ...Object.keys(refs)])) {
      const before = repository.refs[ref];
      const after = refs[ref];
      if (before !== after) await announceRef(forge, { repositoryId, pusher, ref, before, after });
    }
  });
}

interface RefChange {
  readonly repositoryId: number;
  readonly pusher: UserRecord;
  readonly ref: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

async function announceRef(forge: Forge, change: RefChange): Promise<void> {
  const repository = forge.store.repositories.get(change.repositoryId);
  if (!repository) return;
  const push = await pushPayload(forge, repository, change);
  const pulls = await affectedPulls(forge, repository, change);
  forge.store.transaction(() => {
    const refs = { ...repository.refs };
    if (change.after === undefined) delete refs[change.ref];
    else refs[change.ref] = change.after;
    const at = now();
    const moved = forge.store.repositories.change(repository, { refs, pushedAt: at, updatedAt: at });
    const source = { repository: moved, sender: change.pusher };
    if (change.before === undefined) publish(forge, source, 'create', { ...namedRef(change.ref), ...createDetails(moved) });
    if (change.after === undefined) publish(forge, source, 'delete', { ...namedRef(change.ref), pusher_type: 'user' });
    publish(forge, source, 'push', push);
    for (const pull of pulls) applyToPull(forge, moved, change, pull);
    if (change.after === undefined) closePullsOf(forge, moved, change);
  });
}

/** GitHub closes the pull requests of a branch that is deleted. */
function closePullsOf(forge: Forge, repository: RepositoryRecord, { ref, pusher }: RefChange): void {
  const branch = ref.replace(/^refs\/heads\//, '');
  for (const issue of openPulls(forge.store, repository).filter(({ pull }) => pull.headRef === branch)) {
    closeIssue(forge, { repository, issue, actor: pusher }, null);
  }
}

function namedRef(ref: string): { ref: string; ref_type: 'branch' | 'tag' } {
  return ref.startsWith('refs/tags/')
    ? { ref: ref.slice('refs/tags/'.length), ref_type: 'tag' }
    : { ref: ref.slice('refs/heads/'.length), ref_type: 'branch' };
}

function createDetails(repository: RepositoryRecord) {
  return { master_branch: repository.defaultBranch, description: repository.description, pusher_type: 'user' };
}

const zeroSha = '0'.repeat(40);
const maxPushedCommits = 20; // of GitHub's 2048: enough to read, and a first push of a large history stays quick

async function pushPayload(forge: Forge, repository: RepositoryRecord, { pusher, ref, before, after }: RefChange) {
  const commits = after === undefined ? [] : await pushedCommits(forge, repository, before, after);
  const presented = commits.map(({ commit, files }) => presentPushedCommit(forge, repository, commit, files));
  const compare = before === undefined || after === undefined ? namedRef(ref).ref : `${before.slice(0, 12)}...${after.slice(0, 12)}`;
  const email = pusher.emails.find(({ primary }) => primary)?.email;
  return {
    ref,
    before: before ?? zeroSha,
    after: after ?? zeroSha,
    created: before === undefined,
    deleted: after === undefined,
    forced: before !== undefined && after !== undefined && !(await isAncestor(gitDirOf(forge.dataDir, repository.id), before, after)),
    base_ref: null,
    compare: `${repositoryUrls(forge, repository).html}/compare/${compare}`,
    commits: presented,
    head_commit: presented.at(-1) ?? (await headCommit(forge, repository, after)),
    pusher: { name: pusher.login, email: email ?? null },
  };
}

interface CommitWithFiles {
  readonly commit: Commit;
  readonly files: readonly ChangedFile[];
}

/** Oldest first, the newest 20 at most. A new branch tells only what no other announced branch has. */
async function pushedCommits(
  forge: Forge,
  repository: RepositoryRecord,
  before: string | undefined,
  after: string,
): Promise<CommitWithFiles[]> {
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const known = before === undefined ? Object.values(repository.refs) : [before];
  const commits = await listCommits(gitDir, { range: [after, ...known.map((sha) => `^${sha}`)], limit: maxPushedCommits });
  return Promise.all(commits.toReversed().map((commit) => withFiles(gitDir, commit)));
}

async function withFiles(gitDir: string, commit: Commit): Promise<CommitWithFiles> {
  return { commit, files: await changedFiles(gitDir, commit.parents[0], commit.sha) };
}

async function headCommit(forge: Forge, repository: RepositoryRecord, after: string | undefined) {
  if (after === undefined) return null;
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const [commit] = await listCommits(gitDir, { range: [after], limit: 1 });
  if (!commit) return null;
  const { files } = await withFiles(gitDir, commit);
  return presentPushedCommit(forge, repository, commit, files);
}

interface PullChange {
  readonly id: number;
  readonly merged: boolean;
  readonly part: Pick<PullPart, 'headSha' | 'baseSha' | 'commits' | 'additions' | 'deletions' | 'changedFiles'>;
}

async function affectedPulls(forge: Forge, repository: RepositoryRecord, { ref, before, after }: RefChange): Promise<PullChange[]> {
  if (before === undefined || after === undefined || !ref.startsWith('refs/heads/')) return [];
  const branch = ref.slice('refs/heads/'.length);
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  const changes: PullChange[] = [];
  for (const pull of openPulls(forge.store, repository)) {
    const { headRef, baseRef } = pull.pull;
    if (headRef !== branch && baseRef !== branch) continue;
    const headSha = headRef === branch ? after : pull.pull.headSha;
    if (headRef === branch) await updateRef(gitDir, `refs/pull/${pull.number}/head`, after);
    const merged = baseRef === branch && (await isAncestor(gitDir, headSha, after));
    // A pull request that was merged keeps the numbers it had: against the new base there is nothing left to count.
    const part = merged ? pull.pull : await measurePull(gitDir, baseRef === branch ? after : pull.pull.baseSha, headSha);
    changes.push({ id: pull.id, merged, part });
  }
  return changes;
}

/** The numbers GitHub shows of a pull request, counted from the merge base. */
export async function measurePull(gitDir: string, baseSha: string, headSha: string): Promise<PullChange['part']> {
  const [{ ahead }, from] = await Promise.all([countAheadBehind(gitDir, baseSha, headSha), mergeBase(gitDir, baseSha, headSha)]);
  const files = await changedFiles(gitDir, from, headSha);
  return {
    headSha,
    baseSha,
    commits: ahead,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changedFiles: files.length,
  };
}

function applyToPull(
  forge: Forge,
  repository: RepositoryRecord,
  { pusher, before, after }: RefChange,
  { id, merged, part }: PullChange,
): void {
  const pull = forge.store.issues.get(id);
  if (!pull || !isPull(pull) || pull.state !== 'open') return;
  const synchronized = part.headSha !== pull.pull.headSha;
  const issue = forge.store.issues.change(pull, { pull: { ...pull.pull, ...part }, ...(synchronized ? { updatedAt: now() } : {}) });
  const act = { repository, issue, actor: pusher };
  if (synchronized) tellIssue(forge, act, 'synchronize', { before, after });
  if (!merged || after === undefined) return;
  const mergedPart = { ...pull.pull, ...part, mergedAt: now(), mergedById: pusher.id, mergeCommitSha: after };
  const done = forge.store.issues.change(issue, { pull: mergedPart });
  noteEvent(forge, { ...act, issue: done }, 'merged', { commitSha: after });
  closeIssue(forge, { ...act, issue: done }, null);
}
