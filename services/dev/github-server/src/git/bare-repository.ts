import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, tryGit } from './run-git.ts';

/** Git repositories on disk, one bare directory per repository id, so that a rename moves nothing. */
export function gitDirOf(dataDir: string, repositoryId: number): string {
  return join(dataDir, 'git', `${repositoryId}.git`);
}

/**
 * Enforces branch protection as GitHub does. `protected-branches` holds a line per branch: ref, then flags. A shell script, because it
 * runs inside git's own quarantine of the push: the server cannot see the new objects yet.
 */
const preReceive = `#!/bin/sh
rules="$GIT_DIR/protected-branches"
zero=0000000000000000000000000000000000000000
failed=0
refuse() { echo "error: GH006: Protected branch update failed for $1." >&2; echo "error: $2" >&2; failed=1; }
while read -r old new ref; do
  case "$ref" in
    refs/heads/*|refs/tags/*) ;;
    *) echo "error: deny updating a hidden ref: $ref" >&2; failed=1; continue ;;
  esac
  [ -f "$rules" ] || continue
  rule=$(awk -v ref="$ref" '$1 == ref { $1 = ""; print; exit }' "$rules")
  [ -n "$rule" ] || continue
  has() { case " $rule " in *" $1 "*) return 0 ;; esac; return 1; }
  if [ "$new" = "$zero" ]; then
    has deletions || refuse "$ref" "Cannot delete a protected branch"
    continue
  fi
  if [ "$old" != "$zero" ] && ! has force && ! git merge-base --is-ancestor "$old" "$new"; then
    refuse "$ref" "Cannot force-push to a protected branch"
    continue
  fi
  if has restricted && ! has "user:$CODEXK8S_PUSHER"; then
    refuse "$ref" "You're not authorized to push to this branch."
    continue
  fi
  if has pull-request && { has admins || [ "$CODEXK8S_PUSHER_IS_ADMIN" != 1 ]; }; then
    refuse "$ref" "Changes must be made through a pull request."
  fi
done
exit $failed
`;

export async function initBareRepository(gitDir: string, defaultBranch: string): Promise<void> {
  await mkdir(gitDir, { recursive: true });
  await git(gitDir, ['init', '--quiet', '--bare', '-b', defaultBranch, gitDir]);
  await git(gitDir, ['config', 'http.receivepack', 'true']);
  await git(gitDir, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  const hook = join(gitDir, 'hooks', 'pre-receive');
  await writeFile(hook, preReceive);
  await chmod(hook, 0o755);
}

/** Branches and tags with the object each points at (tags: the tag object). */
export async function listRefs(gitDir: string): Promise<Record<string, string>> {
  const out = await git(gitDir, ['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads', 'refs/tags']);
  const refs: Record<string, string> = {};
  for (const line of out.split('\n')) {
    const [ref, sha] = line.split(' ');
    if (ref && sha) refs[ref] = sha;
  }
  return refs;
}

/** The commit a branch, tag or SHA names. */
export async function resolveCommit(gitDir: string, name: string): Promise<string | undefined> {
  if (name === '' || name.startsWith('-')) return undefined;
  for (const candidate of [`refs/heads/${name}`, `refs/tags/${name}`, name]) {
    const { code, stdout } = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${candidate}^{commit}`]);
    if (code === 0) return stdout.toString('utf8').trim();
  }
  return undefined;
}

export async function objectType(gitDir: string, sha: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{40}$/.test(sha)) return undefined;
  const { code, stdout } = await tryGit(gitDir, ['cat-file', '-t', sha]);
  return code === 0 ? stdout.toString('utf8').trim() : undefined;
}

/** Moves a ref if it still points at `from`; false: it does not. An empty `from` means the ref must not exist. */
export async function updateRef(gitDir: string, ref: string, to: string, from?: string): Promise<boolean> {
  const { code } = await tryGit(gitDir, ['update-ref', ref, to, ...(from === undefined ? [] : [from || '0'.repeat(40)])]);
  return code === 0;
}

export async function deleteRef(gitDir: string, ref: string): Promise<void> {
  await git(gitDir, ['update-ref', '-d', ref]);
}

export async function isValidRef(gitDir: string, ref: string): Promise<boolean> {
  return (await tryGit(gitDir, ['check-ref-format', ref])).code === 0;
}

export async function isAncestor(gitDir: string, ancestor: string, descendant: string): Promise<boolean> {
  return (await tryGit(gitDir, ['merge-base', '--is-ancestor', ancestor, descendant])).code === 0;
}

export async function mergeBase(gitDir: string, one: string, other: string): Promise<string | undefined> {
  const { code, stdout } = await tryGit(gitDir, ['merge-base', one, other]);
  return code === 0 ? stdout.toString('utf8').trim() : undefined;
}

/** How many commits `head` and `base` each have that the other has not. */
export async function countAheadBehind(gitDir: string, base: string, head: string): Promise<{ ahead: number; behind: number }> {
  const out = await git(gitDir, ['rev-list', '--left-right', '--count', `${base}...${head}`]);
  const [behind = 0, ahead = 0] = out.trim().split(/\s+/).map(Number);
  return { ahead, behind };
}

/** Writes the protection rules that the pre-receive hook reads. */
export async function writeProtectedBranches(gitDir: string, lines: readonly string[]): Promise<void> {
  await writeFile(join(gitDir, 'protected-branches'), lines.map((line) => `${line}\n`).join(''));
}
