import { expect, test } from 'vitest';
import type { Tx } from './store.ts';
import { together } from './together.ts';

/** Only told apart here, never asked. */
function aTransaction(): Tx {
  return {} as Tx;
}

test('what is asked in one turn of one transaction is asked once, and each has its own answer', async () => {
  const asked: [Tx, readonly number[]][] = [];
  const double = together(async (tx: Tx, numbers: readonly number[]) => {
    asked.push([tx, numbers]);
    return numbers.map((n) => n * 2);
  });
  const [one, other] = [aTransaction(), aTransaction()];

  const answers = await Promise.all([double(one, 1), double(other, 2), double(one, 3)]);
  const later = await double(one, 4);

  expect([answers, later]).toEqual([[2, 4, 6], 8]);
  expect(asked.map(([tx, numbers]) => [tx === one, numbers])).toEqual([
    [true, [1, 3]],
    [false, [2]],
    [true, [4]],
  ]);
});

test('a statement that fails fails for all who asked', async () => {
  const ask = together<number, number>(() => Promise.reject(new Error('broken')));
  const tx = aTransaction();

  const answers = await Promise.allSettled([ask(tx, 1), ask(tx, 2)]);

  expect(answers.map((answer) => answer.status === 'rejected' && String(answer.reason))).toEqual(['Error: broken', 'Error: broken']);
});
