import { expect, test, vi } from 'vitest';
import { actsAtOnce, eachOf } from './each.ts';

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
