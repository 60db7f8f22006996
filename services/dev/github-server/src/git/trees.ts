import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { git, tryGit } from './run-git.ts';

export interface TreeEntry {
  readonly mode: string;
  readonly type: 'blob' | 'tree' | 'commit';
  readonly sha: string;
  /** Bytes; 0 for anything but files. */
  readonly size: number;
  readonly path: string;
}

/** The entry at a path of a commit; '' is the root tree. */
export async function findEntry(gitDir: string, commit: string, path: string): Promise<TreeEntry | undefined> {
  if (path === '') {
    const sha = (await git(gitDir, ['rev-parse', `${commit}^{tree}`])).trim();
    return { mode: '040000', type: 'tree', sha, size: 0, path: '' };
  }
  const { code, stdout } = await tryGit(gitDir, ['ls-tree', '-z', '-l', '--full-tree', commit, '--', path.replace(/\/$/, '')]);
  return code === 0 ? parseEntries(stdout.toString('utf8'))[0] : undefined;
}

export async function listTree(gitDir: string, treeSha: string): Promise<TreeEntry[]> {
  return parseEntries(await git(gitDir, ['ls-tree', '-z', '-l', treeSha]));
}

function parseEntries(text: string): TreeEntry[] {
  return text
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [head = '', path = ''] = line.split('\t');
      const [mode = '', type = '', sha = '', size = ''] = head.split(/\s+/);
      return { mode, type: type as TreeEntry['type'], sha, size: Number(size) || 0, path }; // git prints no other type
    });
}

export async function readBlob(gitDir: string, sha: string): Promise<Buffer> {
  const { code, stdout, stderr } = await tryGit(gitDir, ['cat-file', 'blob', sha]);
  if (code !== 0) throw new Error(`git cat-file failed: ${stderr.trim()}`);
  return stdout;
}

export interface TreeChange {
  readonly path: string;
  /** Null removes the file. */
  readonly content: Buffer | null;
}

/** A tree like that of `base` (a commit; undefined: empty) with files replaced, added or removed. */
export async function changeTree(gitDir: string, base: string | undefined, changes: readonly TreeChange[]): Promise<string> {
  const index = join(gitDir, `index-${randomUUID()}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    if (base !== undefined) await git(gitDir, ['read-tree', base], { env });
    for (const { path, content } of changes) {
      if (content === null) {
        // Mode 0 removes the entry; --force-remove would ask for a work tree.
        await git(gitDir, ['update-index', '-z', '--index-info'], { env, input: `0 ${'0'.repeat(40)}\t${path}\0` });
      } else {
        const sha = (await git(gitDir, ['hash-object', '-w', '--stdin'], { input: content })).trim();
        await git(gitDir, ['update-index', '--add', '--cacheinfo', `100644,${sha},${path}`], { env });
      }
    }
    return (await git(gitDir, ['write-tree'], { env })).trim();
  } finally {
    await rm(index, { force: true });
  }
}
