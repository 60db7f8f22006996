import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunSpec } from '@codex-k8s/contracts/internal';
import { AppError } from '@codex-k8s/domain';
import { stageEditedFiles } from './agent-files.ts';
import { type Git, gitError } from './git.ts';
import type { RunFolder } from './run-folder.ts';
import { remote, type Workspace } from './workspace.ts';

export interface Delivery {
  readonly branch: string;
  readonly headSha: string;
  readonly baseSha: string;
  /** Commits ahead of the base branch. */
  readonly commits: number;
  /** What git said while pushing. */
  readonly pushOutput: string;
}

/**
 * Pushes the run's branch and nothing else, never by force. The agent is dead by now, but it could write to the workspace's configuration
 * (another address for the remote, a hook), so the push goes from a fresh repository that only borrows the commits.
 * Throws AppError: `run.nothing_delivered`, `github.push_rejected`, `github.*`.
 */
export async function deliver(
  folder: RunFolder,
  spec: RunSpec,
  workspace: Workspace,
  git: Git,
  say: (text: string) => void,
): Promise<Delivery> {
  await commitLeftovers(spec, workspace, git, say);
  await commitSteeringFiles(folder, workspace, git, say);
  const base = `refs/remotes/origin/${spec.base_branch}`;
  const headSha = await git.run(['rev-parse', 'HEAD']);
  const commits = Number(await git.run(['rev-list', '--count', `${base}..HEAD`]));
  const baseSha = await git.run(['merge-base', base, 'HEAD']);
  if (commits === 0)
    throw new AppError('run.nothing_delivered', `The agent ended its work, but there is no commit ahead of ${spec.base_branch}.`);
  // Later runs of an issue continue its branch: what is there already is not this run's delivery.
  if (Number(await git.run(['rev-list', '--count', `${workspace.startSha}..HEAD`])) === 0) {
    const older = `The ${commits} commit(s) of ${spec.target_branch} are of an earlier run`;
    throw new AppError('run.nothing_delivered', `The agent ended its work without a commit of its own. ${older}.`);
  }

  const clean = await mkdtemp(join(tmpdir(), 'codexk8s-push-'));
  try {
    await git.run(['init', '--quiet', '--bare', clean], { cwd: folder.root });
    await git.run(['fetch', '--quiet', '--no-tags', folder.workspace, headSha], { cwd: clean });
    const pushOutput = await remote(() => push(git, clean, spec, headSha));
    return { branch: spec.target_branch, headSha, baseSha, commits, pushOutput };
  } finally {
    await rm(clean, { recursive: true, force: true });
  }
}

async function push(git: Git, cwd: string, spec: RunSpec, headSha: string): Promise<string> {
  const refspec = `${headSha}:refs/heads/${spec.target_branch}`;
  const { exitCode, stdout, stderr } = await git.try(['push', '--porcelain', spec.repository.clone_url, refspec], { cwd, remote: true });
  if (exitCode !== 0) throw gitError('push', `${stdout}\n${stderr}`);
  return `${stdout}${stderr}`.trim();
}

/** Work that the agent left uncommitted is only committed when it committed nothing at all: otherwise it may be rubbish on purpose. */
async function commitLeftovers(spec: RunSpec, { startSha }: Workspace, git: Git, say: (text: string) => void): Promise<void> {
  const changes = (await git.run(['status', '--porcelain'])).split('\n').filter((line) => line !== '');
  if (changes.length === 0) return;
  if ((await git.run(['rev-parse', 'HEAD'])) !== startSha) {
    say(`${changes.length} uncommitted change(s) of the agent are left out of the delivery:\n${changes.slice(0, 20).join('\n')}`);
    return;
  }
  const issue = spec.issue_number === undefined ? '' : ` for #${spec.issue_number}`;
  await git.run(['add', '--all']);
  await git.run(['commit', '--quiet', '--no-verify', '-m', `Commit the uncommitted work of ${spec.agent.name}${issue}`]);
  say(`The agent left ${changes.length} change(s) uncommitted and made no commit; the runner committed them.`);
}

/** The agent could not commit these itself: for git they are as the branch has them (agent-files.ts). */
async function commitSteeringFiles(folder: RunFolder, { shownFiles }: Workspace, git: Git, say: (text: string) => void): Promise<void> {
  const edited = await stageEditedFiles(folder.workspace, shownFiles, git);
  if (edited.length === 0) return;
  const message = `Change ${edited.join(', ')}`.slice(0, 200);
  await git.run(['--literal-pathspecs', 'commit', '--quiet', '--no-verify', '--only', '-m', message, '--', ...edited]);
  say(`The agent changed what it was shown of the base branch; the runner committed it: ${edited.join(', ')}.`);
}
