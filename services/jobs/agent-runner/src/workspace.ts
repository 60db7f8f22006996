import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunSpec } from '@codex-k8s/contracts/internal';
import { AppError, isAppError } from '@codex-k8s/domain';
import { showBaseFiles, type ShownFiles } from './agent-files.ts';
import type { Git } from './git.ts';
import { emptyRunFolder, readState, type RunFolder, writeState } from './run-folder.ts';

export interface Workspace {
  /** False: made anew; what an earlier attempt did not push is not in it. */
  readonly isReused: boolean;
  /** HEAD when this run began: what is older is not its work. */
  readonly startSha: string;
  readonly headSha: string;
  /** Files that steer agents, as the base branch has them. */
  readonly shownFiles: ShownFiles;
}

/**
 * A clone at the run's branch. An earlier attempt's workspace of the same run is used as it is, uncommitted work included, because the
 * agent's session speaks of it. Throws AppError: `run.pull_request_missing`, `github.*`, `run.disk_full`, `run.runner_failed`.
 */
export async function prepareWorkspace(folder: RunFolder, spec: RunSpec, git: Git): Promise<Workspace> {
  const state = await readState(folder);
  if (state !== undefined && state.runId !== spec.run_id) await emptyRunFolder(folder);
  if (state?.runId === spec.run_id && state.startSha !== undefined && (await isSound(folder, git))) {
    await rm(join(folder.workspace, '.git', 'index.lock'), { force: true }); // its owner was killed with the earlier attempt
    await refresh(folder, spec, git);
    return { isReused: true, startSha: state.startSha, headSha: await git.run(['rev-parse', 'HEAD']), shownFiles: state.shownFiles ?? {} };
  }
  await cloneInto(folder, spec, git);
  await checkOut(spec, git);
  const headSha = await git.run(['rev-parse', 'HEAD']);
  const shownFiles = await showBaseFiles(folder.workspace, spec, git);
  // An earlier attempt, whose workspace is lost, may have pushed: the platform knows where the run began.
  const startSha = spec.start_sha !== undefined && (await exists(git, spec.start_sha)) ? spec.start_sha : headSha;
  await writeState(folder, { ...(state?.runId === spec.run_id && state), runId: spec.run_id, startSha, shownFiles });
  return { isReused: false, startSha, headSha, shownFiles };
}

/**
 * Brings the remote's branches up to date. The agent could write to this repository's configuration, so the command that holds the token
 * runs in a fresh one that only borrows the objects.
 */
async function refresh({ workspace, root }: RunFolder, { repository }: RunSpec, git: Git): Promise<void> {
  const clean = await mkdtemp(join(tmpdir(), 'codexk8s-fetch-'));
  try {
    await git.run(['init', '--quiet', '--bare', clean], { cwd: root });
    await writeFile(join(clean, 'objects', 'info', 'alternates'), `${join(workspace, '.git', 'objects')}\n`);
    await remote(() => git.run(['fetch', '--no-tags', repository.clone_url, '+refs/heads/*:refs/heads/*'], { cwd: clean, remote: true }));
    await git.run(['fetch', '--no-tags', clean, '+refs/heads/*:refs/remotes/origin/*']);
  } finally {
    await rm(clean, { recursive: true, force: true });
  }
}

async function isSound({ workspace }: RunFolder, git: Git): Promise<boolean> {
  try {
    await access(join(workspace, '.git', 'HEAD'));
  } catch {
    return false;
  }
  return (await git.try(['rev-parse', '--verify', 'HEAD^{commit}'])).exitCode === 0;
}

async function cloneInto({ workspace, root }: RunFolder, { repository, git: identity }: RunSpec, git: Git): Promise<void> {
  await remote(async () => {
    await rm(workspace, { recursive: true, force: true });
    const settings = [`user.name=${identity.username}`, `user.email=${identity.email}`, 'gc.auto=0'].flatMap((setting) => [
      '--config',
      setting,
    ]);
    const args = ['clone', '--no-checkout', '--no-tags', ...settings, '--', repository.clone_url, workspace];
    await git.run(args, { cwd: root, remote: true });
  });
}

async function checkOut({ kind, base_branch, target_branch, pr_number }: RunSpec, git: Git): Promise<void> {
  const base = `refs/remotes/origin/${base_branch}`;
  const target = `refs/remotes/origin/${target_branch}`;
  if (!(await exists(git, base))) throw new AppError('github.not_found', `The repository has no branch ${base_branch}.`);
  const hasTarget = await exists(git, target);
  switch (kind) {
    case 'work':
      await git.run(['checkout', '--no-track', '-B', target_branch, hasTarget ? target : base]);
      return;
    case 'revise':
      if (!hasTarget) throw new AppError('run.pull_request_missing', `There is no branch ${target_branch} to revise.`);
      await git.run(['checkout', '--no-track', '-B', target_branch, target]);
      return;
    case 'review': {
      const head = hasTarget ? target : await pullRequestHead(git, pr_number);
      if (head === undefined) throw new AppError('run.pull_request_missing', `There is no branch ${target_branch} to review.`);
      await git.run(['checkout', '--detach', head]);
    }
  }
}

/** The head of a pull request from a fork, or of a branch that is gone. */
async function pullRequestHead(git: Git, number: number | undefined): Promise<string | undefined> {
  if (number === undefined) return undefined;
  const ref = `refs/remotes/pull/${number}`;
  const fetched = await git.try(['fetch', '--no-tags', 'origin', `+refs/pull/${number}/head:${ref}`], { remote: true });
  return fetched.exitCode === 0 ? ref : undefined;
}

async function exists(git: Git, ref: string): Promise<boolean> {
  return (await git.try(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])).exitCode === 0;
}

const tries = 5;

/** Repeats while the remote is unavailable. */
export async function remote<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      const mayRepeat = isAppError(error, 'github.unavailable') || isAppError(error, 'github.rate_limited');
      if (!mayRepeat || attempt === tries) throw error;
      await sleep(500 * 2 ** attempt);
    }
  }
}
