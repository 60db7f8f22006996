import { expect, test, vi } from 'vitest';
import { createLogger } from '@codex-k8s/runtime';
import { actsAtOnce, each, eachOf } from './each.ts';

test('as many rows as may are acted on at once, and no more', async () => {
  const gates = Array.from({ length: actsAtOnce * 2 }, () => Promise.withResolvers<boolean>());
  const begun: number[] = [];
  const rest = eachOf(gates.keys(), async (n) => {
    begun.push(n);
    return gates[n]?.promise ?? false;
  });
  gates[0]?.resolve(true);
  await vi.waitFor(() => expect(begun.length).toBeGreaterThan(actsAtOnce));
  await new Promise(setImmediate);
  const begunAfterOne = begun.length;
  for (const { resolve } of gates) resolve(true);

  expect(begunAfterOne).toBe(actsAtOnce + 1);
  expect(await rest).toBe(actsAtOnce * 2);
});

test('rows that were not changed are not counted', async () => {
  expect(await eachOf([1, 2, 3], async (row) => row !== 2)).toBe(2);
});

test('an act that throws ends it after those under way', async () => {
  const ended: number[] = [];
  const acts = eachOf([1, 2], async (row) => {
    if (row === 1) throw new Error('first');
    await new Promise(setImmediate);
    ended.push(row);
    return true;
  });

  await expect(acts).rejects.toThrow('first');
  expect(ended.length).toBeLessThanOrEqual(1);
});

test('rows of one issue are acted on in turn, those of others meanwhile, and one that fails ends nothing', async () => {
  const first = Promise.withResolvers<void>();
  const begun: string[] = [];
  const row = (id: string, issueNumber: number | null) => ({ id, repositoryId: 'r', issueNumber });
  const rows = [row('first', 1), row('second', 1), row('other', 2), row('none', null), row('none either', null)];
  const rest = each(createLogger({ service: 'test', level: 'silent' }), rows, async ({ id }) => {
    begun.push(id);
    if (id !== 'first') return;
    await first.promise;
    throw new Error('refused');
  });
  await vi.waitFor(() => expect(begun).toContain('none either'));
  const meanwhile = [...begun];
  first.resolve();

  expect(await rest).toBe(4);
  expect(meanwhile).toEqual(['first', 'other', 'none', 'none either']);
  expect(begun.at(-1)).toBe('second');
});
