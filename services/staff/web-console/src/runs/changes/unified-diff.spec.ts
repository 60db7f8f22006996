import { expect, test } from 'vitest';
import { showcaseDiff } from '../../testing/showcase-texts.ts';
import { parseDiff } from './unified-diff.ts';

test('new, changed, moved, binary and removed files are told apart', () => {
  expect(
    parseDiff(showcaseDiff).map(({ path, from, change, isBinary, added, removed }) => ({ path, from, change, isBinary, added, removed })),
  ).toEqual([
    { path: 'src/export/csv.ts', from: undefined, change: 'added', isBinary: false, added: 9, removed: 0 },
    { path: 'src/export/index.ts', from: undefined, change: 'changed', isBinary: false, added: 3, removed: 2 },
    { path: 'docs/export.md', from: 'docs/old-export.md', change: 'moved', isBinary: false, added: 0, removed: 0 },
    { path: 'assets/logo.png', from: undefined, change: 'changed', isBinary: true, added: 0, removed: 0 },
    { path: 'README.md', from: undefined, change: 'removed', isBinary: false, added: 0, removed: 2 },
  ]);
});

test('a removed line that looks like a header stays a line with its number', () => {
  const [, changed] = parseDiff(showcaseDiff);

  expect(changed?.lines.find(({ text }) => text.startsWith('-- a line'))).toEqual({
    kind: 'removed',
    text: '-- a line that was a comment and looks like a header',
    before: 40,
  });
});

test('text that is no diff gives no file', () => {
  expect(parseDiff('')).toEqual([]);
  expect(parseDiff('hello\n@@ -1 +1 @@\n+x')).toEqual([]);
});
