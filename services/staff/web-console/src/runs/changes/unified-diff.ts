export interface DiffLine {
  readonly kind: 'context' | 'added' | 'removed' | 'hunk' | 'note';
  readonly text: string;
  readonly before?: number;
  readonly after?: number;
}

export interface DiffFile {
  readonly path: string;
  /** Set when the file was moved. */
  readonly from?: string;
  readonly change: 'added' | 'removed' | 'moved' | 'changed';
  readonly isBinary: boolean;
  readonly added: number;
  readonly removed: number;
  readonly lines: readonly DiffLine[];
}

interface Draft {
  path: string;
  from?: string;
  change: DiffFile['change'];
  isBinary: boolean;
  added: number;
  removed: number;
  lines: DiffLine[];
}

const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** Git quotes names with special characters; the escapes stay as they are, only the quotes go. */
function pathOf(name: string): string {
  const bare = name.replace(/^"(.*)"$/, '$1').replace(/\t.*$/, '');
  return bare.replace(/^[ab]\//, '');
}

function begin(header: string): Draft {
  const [, from = '', to = ''] = /^diff --git "?a\/(.*?)"? "?b\/(.*?)"?$/.exec(header) ?? [];
  return { path: to || from || header.slice('diff --git '.length), change: 'changed', isBinary: false, added: 0, removed: 0, lines: [] };
}

function readHeader(file: Draft, line: string): void {
  if (line.startsWith('new file')) file.change = 'added';
  else if (line.startsWith('deleted file')) file.change = 'removed';
  else if (line.startsWith('rename from ')) {
    file.change = 'moved';
    file.from = pathOf(line.slice(12));
  } else if (line.startsWith('rename to ')) file.path = pathOf(line.slice(10));
  else if (line.startsWith('+++ ') && !line.startsWith('+++ /dev/null')) file.path = pathOf(line.slice(4));
  else if (line.startsWith('Binary files') || line.startsWith('GIT binary patch')) file.isBinary = true;
}

/** Reads `git diff` text. Inside a hunk lines are counted, so a removed line that looks like a header stays a line. */
export function parseDiff(diff: string): DiffFile[] {
  const files: Draft[] = [];
  let file: Draft | undefined;
  let left = { before: 0, after: 0 };
  let at = { before: 0, after: 0 };

  for (const line of diff.split('\n')) {
    const inHunk = left.before > 0 || left.after > 0;
    // Lines of a hunk begin with a sign or a space, so this is never one, even when a cut hunk is shorter than it says.
    if (line.startsWith('diff --git ')) {
      left = { before: 0, after: 0 };
      file = begin(line);
      files.push(file);
      continue;
    }
    if (!file) continue;
    const opened = inHunk ? null : hunk.exec(line);
    if (opened) {
      at = { before: Number(opened[1]), after: Number(opened[3]) };
      left = { before: Number(opened[2] ?? 1), after: Number(opened[4] ?? 1) };
      file.lines.push({ kind: 'hunk', text: line });
    } else if (line.startsWith('\\')) {
      file.lines.push({ kind: 'note', text: line.slice(2) });
    } else if (!inHunk) {
      readHeader(file, line);
    } else if (line.startsWith('+')) {
      file.lines.push({ kind: 'added', text: line.slice(1), after: at.after });
      file.added += 1;
      at.after += 1;
      left.after -= 1;
    } else if (line.startsWith('-')) {
      file.lines.push({ kind: 'removed', text: line.slice(1), before: at.before });
      file.removed += 1;
      at.before += 1;
      left.before -= 1;
    } else {
      file.lines.push({ kind: 'context', text: line.slice(1), before: at.before, after: at.after });
      at = { before: at.before + 1, after: at.after + 1 };
      left = { before: left.before - 1, after: left.after - 1 };
    }
  }
  return files;
}
