/** What a reader can object to in a unified diff without knowing the program. */
export interface Finding {
  readonly path: string;
  /** Line of the new file, from 1. */
  readonly line: number;
  readonly severity: 'info' | 'warning' | 'error';
  readonly message: string;
}

const rules: readonly (readonly [pattern: RegExp, severity: Finding['severity'], message: string])[] = [
  [/^(?:<{7} |>{7} |={7}$)/, 'error', 'A merge conflict marker was left.'],
  [
    /(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|\bsk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----)/,
    'error',
    'This looks like a secret.',
  ],
  [/\b(?:password|secret|api_?key|token)\b\s*[:=]\s*['"][^'"]{8,}['"]/i, 'warning', 'This looks like a hard-coded credential.'],
  [/\b(?:console\.(?:log|debug)|debugger;|dbg!|var_dump)\b|\bprint\(['"]debug/i, 'warning', 'A debug output was left.'],
  [/\b(?:TODO|FIXME|XXX)\b/, 'warning', 'An open point was left in the code.'],
  [/[ \t]+$/, 'info', 'White space at the end of the line.'],
];

export function diffFindings(diff: string): Finding[] {
  const findings: Finding[] = [];
  let path = '';
  let line = 0;
  let inHunk = false;
  let wasAdded = false;
  for (const text of diff.split('\n')) {
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(text);
    if (text.startsWith('diff --git ')) inHunk = false;
    else if (hunk) {
      line = Number(hunk[1]);
      inHunk = true;
    } else if (!inHunk) path = newPath(text) ?? path;
    else if (text.startsWith('+')) {
      const rule = rules.find(([pattern]) => pattern.test(text.slice(1)));
      if (rule) findings.push({ path, line, severity: rule[1], message: rule[2] });
      line += 1;
      wasAdded = true;
    } else if (text.startsWith('\\')) {
      if (wasAdded)
        findings.push({ path, line: Math.max(1, line - 1), severity: 'info', message: 'The file does not end with a newline.' });
    } else {
      if (text.startsWith(' ')) line += 1;
      wasAdded = false;
    }
  }
  return findings;
}

function newPath(header: string): string | undefined {
  const match = /^\+\+\+ (?:"b\/(.*)"|b\/(.*?))\t?$/.exec(header);
  return match?.[1] ?? match?.[2];
}
