import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { writeFileCommands } from './shell-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'shell-text-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(path: string, content: string): Buffer {
  for (const command of writeFileCommands(path, content)) {
    execFileSync('/bin/bash', ['-c', command], { cwd: folder });
    execFileSync('/bin/bash', ['-c', command], { cwd: folder }); // an interrupted step is issued again
  }
  return readFileSync(join(folder, path));
}

test('a file gets exactly the content, whatever it holds', () => {
  const tricky = fc.constantFrom('EOF', 'EOF_1', "it's", '$HOME', '`id`', '"', '\\', '\t', '\r', '-n', 'é', '😀', '%s', '!', '', ' ');
  const text = fc
    .array(
      fc.oneof(
        tricky,
        fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\0', '')),
      ),
    )
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, fc.boolean(), (body, endsWithNewline) => {
      const content = endsWithNewline ? `${body}\n` : body;

      expect(written('a b.txt', content)).toEqual(Buffer.from(content));
    }),
    { numRuns: 40 },
  );
});

test('a path may hold quotes, spaces, folders and a leading dash', () => {
  expect(String(written("-dir/it's $(x)/`b`.txt", 'x\n'))).toBe('x\n');
  expect(String(written('-f', 'x\n'))).toBe('x\n');
});

test('content larger than one argument arrives in pieces', () => {
  const content = `${'é'.repeat(120_000)}\n${'line\n'.repeat(40_000)}`;

  expect(written('big.txt', content)).toEqual(Buffer.from(content));
});
