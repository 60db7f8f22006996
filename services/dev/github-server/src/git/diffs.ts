import { git } from './run-git.ts';

export interface ChangedFile {
  readonly sha: string;
  readonly path: string;
  readonly previousPath: string | undefined;
  readonly status: 'added' | 'removed' | 'modified' | 'renamed' | 'copied' | 'changed';
  readonly additions: number;
  readonly deletions: number;
  /** Hunks without the file header; undefined for binary files and pure renames. */
  readonly patch: string | undefined;
}

const statuses = { A: 'added', D: 'removed', M: 'modified', R: 'renamed', C: 'copied', T: 'changed' } as const;
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Unified diff from a commit (undefined: from nothing) to a commit. */
export function unifiedDiff(gitDir: string, from: string | undefined, to: string): Promise<string> {
  return git(gitDir, ['diff', '--no-color', '--no-ext-diff', '-M', from ?? emptyTree, to]);
}

/** A mail-box of the commits of a range, as GitHub serves under `.patch`. */
export function mailPatches(gitDir: string, from: string, to: string): Promise<string> {
  return git(gitDir, ['format-patch', '--stdout', '-M', `${from}..${to}`]);
}

export async function changedFiles(gitDir: string, from: string | undefined, to: string): Promise<ChangedFile[]> {
  const range = ['-M', from ?? emptyTree, to];
  const [raw, numbers, diff] = await Promise.all([
    git(gitDir, ['diff', '--raw', '-z', '--no-abbrev', ...range]),
    git(gitDir, ['diff', '--numstat', '-z', ...range]),
    unifiedDiff(gitDir, from, to),
  ]);
  const counts = parseNumbers(numbers);
  // All three list the files in one order, so the n-th section of the diff belongs to the n-th raw entry.
  const sections = diff.split(/^(?=diff --git )/m).filter(Boolean);
  return parseRaw(raw).map((entry, index) => ({ ...entry, ...(counts[index] ?? noCount), patch: hunksOf(sections[index]) }));
}

const noCount = { additions: 0, deletions: 0 };

function hunksOf(section: string | undefined): string | undefined {
  const start = section === undefined ? -1 : section.search(/^@@ /m);
  return start < 0 ? undefined : section?.slice(start).replace(/\n$/, '');
}

function parseRaw(raw: string): Pick<ChangedFile, 'sha' | 'path' | 'previousPath' | 'status'>[] {
  const fields = raw.split('\0');
  const entries: Pick<ChangedFile, 'sha' | 'path' | 'previousPath' | 'status'>[] = [];
  for (let at = 0; at < fields.length && fields[at]?.startsWith(':');) {
    const [, , oldSha = '', newSha = '', letter = 'M'] = (fields[at] ?? '').split(' ');
    const status = statuses[letter.charAt(0) as keyof typeof statuses] ?? 'modified'; // other letters cannot occur between two trees
    const moved = status === 'renamed' || status === 'copied';
    const first = fields[at + 1] ?? '';
    const second = fields[at + 2] ?? '';
    entries.push({
      sha: status === 'removed' ? oldSha : newSha,
      path: moved ? second : first,
      previousPath: moved ? first : undefined,
      status,
    });
    at += moved ? 3 : 2;
  }
  return entries;
}

function parseNumbers(text: string): { additions: number; deletions: number }[] {
  const fields = text.split('\0');
  const counts: { additions: number; deletions: number }[] = [];
  for (let at = 0; at < fields.length && fields[at] !== '';) {
    const [added, deleted, path] = (fields[at] ?? '').split('\t');
    counts.push({ additions: Number(added) || 0, deletions: Number(deleted) || 0 }); // '-' for binary files
    at += path === '' ? 3 : 1; // a rename's two names follow in fields of their own
  }
  return counts;
}
