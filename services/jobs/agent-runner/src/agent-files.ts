/**
 * Files that steer agents come from the base branch, never from the branch that a run continues or reviews: what one run committed must
 * not instruct the next before a person has merged it (design, trust boundary). They are put into the working directory behind git's back
 * (skip-worktree, info/exclude), so no commit contains them by accident. Rejected: a commit that restores them, which would show up in
 * what the owner reviews. An agent that is asked to change such a file edits what it sees; then the runner commits its version.
 */
import { appendFile, lstat, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RunSpec } from '@codex-k8s/contracts/internal';
import type { Git } from './git.ts';

/** What Codex, Claude Code, Gemini CLI and Goose read of a repository by themselves, in any of its folders. */
const steeringFiles = ['AGENTS.md', 'AGENTS.override.md', 'CLAUDE.md', 'CLAUDE.local.md', 'GEMINI.md', '.goosehints', '.mcp.json'];
const steeringFolders = ['.agents', '.claude', '.codex', '.gemini', '.goose'];

// A folder's name alone as well: it may be a symbolic link.
const pathspecs = [...steeringFiles, ...steeringFolders, ...steeringFolders.map((name) => `${name}/**`)].map(
  (pattern) => `:(top,icase,glob)**/${pattern}`,
);

/** What the working directory shows instead of the branch's files, by path: the blob, or an empty text for a file that base does not have. */
export type ShownFiles = Readonly<Record<string, string>>;

/** Shows the base branch's files in a fresh checkout. */
export async function showBaseFiles(workspace: string, { base_branch }: Pick<RunSpec, 'base_branch'>, git: Git): Promise<ShownFiles> {
  const base = `refs/remotes/origin/${base_branch}`;
  const fields = (await git.run(['diff', '--name-status', '--no-renames', '-z', base, 'HEAD', '--', ...pathspecs])).split('\0');
  const changes = fields.flatMap((status, index) => (index % 2 === 0 && status !== '' ? [{ status, path: fields[index + 1] ?? '' }] : []));
  const shown: Record<string, string> = {};
  // First what only the branch has: a folder of base may be a link there.
  for (const { path } of changes.filter(({ status }) => status === 'A')) {
    await rm(join(workspace, path), { force: true });
    shown[path] = '';
  }
  for (const { status, path } of changes.filter((change) => change.status !== 'A')) {
    if (!(await isReachable(workspace, path))) continue; // the branch has something else in the place of its folder
    await git.run(['--literal-pathspecs', 'restore', '--worktree', `--source=${base}`, '--', path]);
    shown[path] = await git.run(['rev-parse', `${base}:${path}`]);
    if (status === 'D') await appendFile(join(workspace, '.git', 'info', 'exclude'), `/${path.replaceAll(/[\\*?[ ]/g, String.raw`\$&`)}\n`);
  }
  const tracked = changes.filter(({ status, path }) => status !== 'D' && path in shown).map(({ path }) => path);
  if (tracked.length > 0) await git.run(['update-index', '--skip-worktree', '--', ...tracked]);
  return shown;
}

/** Every folder above the path is a folder or not there yet. */
async function isReachable(workspace: string, path: string): Promise<boolean> {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const found = await lstat(join(workspace, folder)).catch(() => undefined);
    if (found && !found.isDirectory()) return false;
  }
  return true;
}

/** Puts files that the agent itself has changed since they were shown into the index. Returns their paths. */
export async function stageEditedFiles(workspace: string, shown: ShownFiles, git: Git): Promise<string[]> {
  const edited: string[] = [];
  for (const [path, blob] of Object.entries(shown)) {
    const found = await lstat(join(workspace, path)).catch(() => undefined);
    const now = found?.isFile() === true ? await git.run(['hash-object', '--', path]) : found ? 'something else' : '';
    if (now === blob) continue;
    await git.try(['update-index', '--no-skip-worktree', '--', path]);
    await git.try(['--literal-pathspecs', 'add', '--force', '--all', '--', path]); // nothing to add: it was new and is gone again
    const isSame = (await git.try(['--literal-pathspecs', 'diff', '--cached', '--quiet', '--', path])).exitCode === 0;
    if (!isSame) edited.push(path);
  }
  return edited;
}
