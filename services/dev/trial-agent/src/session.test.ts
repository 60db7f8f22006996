import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSession } from './session.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'session-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what was recorded is there after a resume, also when the last line was half written', async () => {
  const file = join(folder, 'a', 's.jsonl');
  const first = await openSession(file, false);
  await first.record({ type: 'item', item: { role: 'user' } });
  await first.record({ type: 'usage', input_tokens: 1, cached_input_tokens: 0, output_tokens: 2 });
  await first.record({ type: 'turn_completed' });
  await first.close();
  await appendFile(file, '{"type":"it');

  const second = await openSession(file, true);
  await second.record({ type: 'item', item: { role: 'again' } });

  expect([second.id, second.items, second.usage]).toEqual([
    first.id,
    [{ role: 'user' }, { role: 'again' }],
    { input_tokens: 1, cached_input_tokens: 0, output_tokens: 2 },
  ]);
  expect(second.isTurnComplete).toBe(false);
  expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(6);
  await second.close();
});

test('a session is never overwritten, and one that is not there is not invented', async () => {
  const file = join(folder, 's.jsonl');
  await (await openSession(file, false)).close();
  await writeFile(join(folder, 'other'), '{"type":"turn_completed"}\n');

  await expect(openSession(file, false)).rejects.toThrow(/there already/);
  await expect(openSession(join(folder, 'none'), true)).rejects.toThrow(/no session to resume/);
  await expect(openSession(join(folder, 'other'), true)).rejects.toThrow(/not a session/);
});
