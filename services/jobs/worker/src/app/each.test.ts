import { expect, test, vi } from 'vitest';
import { createLogger } from '@codex-k8s/runtime';
import type { DueRows } from '@codex-k8s/store';
import { actsAtOnce, eachOf, overlappingPass, type Acts, type Row } from './each.ts';

const log = createLogger({ service: 'test', level: 'silent' });

/** A pass over rows that stay due until they are taken off the list. */
function passOver(due: readonly Row[], acts: Acts<Row>) {
  const asked: DueRows[] = [];
  const pass = overlappingPass(log, {
    ...acts,
    read: async (options) => {
      asked.push(options);
      return due.filter(({ id }) => !options.except.includes(id)).slice(0, options.limit);
    },
  });
  return { pass, asked };
}

const rowOf = (id: string, issueNumber: number | null = null): Row => ({ id, repositoryId: 'r', issueNumber });

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
  const rows = [rowOf('first', 1), rowOf('second', 1), rowOf('other', 2), rowOf('none'), rowOf('none either')];
  const { pass } = passOver(rows, {
    act: async ({ id }) => {
      begun.push(id);
      if (id !== 'first') return;
      await first.promise;
      throw new Error('refused');
    },
  });
  const rest = pass();
  await vi.waitFor(() => expect(begun).toContain('none either'));
  const meanwhile = [...begun];
  first.resolve();

  expect(await rest).toBe(4);
  expect(meanwhile).toEqual(['first', 'other', 'none', 'none either']);
  expect(begun.at(-1)).toBe('second');
});

test('what becomes due while a slow row is under way enters the next pass, after what its own issue still does', async () => {
  const slow = Promise.withResolvers<void>();
  const acted: string[] = [];
  const due = [rowOf('slow', 1)];
  const { pass, asked } = passOver(due, {
    act: async ({ id }) => {
      if (id === 'slow') await slow.promise;
      acted.push(id);
    },
  });
  const first = pass();
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  due.push(rowOf('same issue', 1), rowOf('other', 2));
  const second = pass();
  await vi.waitFor(() => expect(acted).toEqual(['other']));
  slow.resolve();

  expect([await first, await second]).toEqual([1, 2]);
  expect(acted).toEqual(['other', 'slow', 'same issue']);
  expect(asked[1]).toEqual({ limit: actsAtOnce - 1, except: ['slow'] });
});

test('a pass reads nothing while there is no room, nor beside one that reads', async () => {
  const gate = Promise.withResolvers<void>();
  const due = Array.from({ length: actsAtOnce + 1 }, (_, n) => rowOf(`row ${n}`));
  const { pass, asked } = passOver(due, { act: () => gate.promise });
  const passes = [pass(), pass()];
  await new Promise(setImmediate);
  passes.push(pass());
  await new Promise(setImmediate);
  gate.resolve();

  expect(await Promise.all(passes)).toEqual([actsAtOnce, 0, 0]);
  expect(asked).toHaveLength(1);
});

test('a row that cannot even be postponed fails its pass, after those under way, and is acted on again', async () => {
  let isBroken = true;
  const { pass } = passOver([rowOf('broken', 1), rowOf('whole', 2)], {
    act: async ({ id }) => {
      if (id === 'broken' && isBroken) throw new Error('refused');
    },
    onError: async () => {
      throw new Error('no database');
    },
  });

  await expect(pass()).rejects.toThrow('no database');
  isBroken = false;
  expect(await pass()).toBe(2);
});
