import { expect, test } from 'vitest';
import { inBatches, type BatchOptions } from './batches.ts';

interface Started {
  readonly items: readonly string[];
  answer(): void;
  fail(error: Error): void;
}

/** Batches that end when the test says so. */
function batches(options: Partial<BatchOptions<string, string>> = {}) {
  const started: Started[] = [];
  const send = inBatches<string, string>({
    patienceMs: 60_000,
    atOnce: 2,
    maxItems: 10,
    run: (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<PromiseSettledResult<string>[]>();
      const answer = (): void => resolve(items.map((item) => ({ status: 'fulfilled', value: `answer to ${item}` })));
      started.push({ items, answer, fail: reject });
      return promise;
    },
    ...options,
  });
  const nth = async (n: number): Promise<Started> => {
    await expect.poll(() => started[n]).toBeDefined();
    return started[n] as Started; // it is there
  };
  return { send, nth, started };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one goes alone at once, and what comes meanwhile goes together', async () => {
  const { send, nth, started } = batches();
  const first = send('a');
  const alone = await nth(0);
  const later = [send('b'), send('c')];
  await turn();
  expect(started).toHaveLength(1);

  alone.answer();
  (await nth(1)).answer();

  expect(await Promise.all([first, ...later])).toEqual(['answer to a', 'answer to b', 'answer to c']);
  expect(started.map(({ items }) => items)).toEqual([['a'], ['b', 'c']]);
});

test('a batch that lingers takes along what comes meanwhile', async () => {
  const { send, nth, started } = batches({ lingerMs: 50 });
  const first = send('a');
  await turn();
  const second = send('b');

  (await nth(0)).answer();

  expect(await Promise.all([first, second])).toEqual(['answer to a', 'answer to b']);
  expect(started.map(({ items }) => items)).toEqual([['a', 'b']]);
});

test('a batch has so many items and so large ones at most', async () => {
  const { send, nth, started } = batches({ maxItems: 3, maxSize: 4, sizeOf: (item) => item.length });
  const answers = ['a', 'b', 'c', 'd', 'eeee', 'ffffffff', 'g'].map(send);

  for (let n = 0; n < 5; n += 1) (await nth(n)).answer();
  await Promise.all(answers);

  expect(started.map(({ items }) => items)).toEqual([['a', 'b', 'c'], ['d'], ['eeee'], ['ffffffff'], ['g']]);
});

test('items of one key go one after another in their order, whatever else goes', async () => {
  const { send, nth, started } = batches({ patienceMs: 1, keysOf: (item) => [item.slice(0, 1)] });
  const answers = ['a1', 'a2', 'b1', 'a3', 'b2'].map(send);
  const first = await nth(0);
  answers.push(send('c1')); // goes beside the first batch, once that has taken long
  const beside = await nth(1);

  first.answer();
  const second = await nth(2);
  second.answer();
  (await nth(3)).answer();
  beside.answer();
  await Promise.all(answers);

  expect(started.map(({ items }) => items)).toEqual([['a1', 'b1'], ['c1'], ['a2', 'b2'], ['a3']]);
});

test('of batches that take long there are so many at most', async () => {
  const { send, nth, started } = batches({ patienceMs: 1, maxItems: 1, atOnce: 2 });
  const answers = ['a', 'b', 'c'].map(send);
  const [first, second] = [await nth(0), await nth(1)];
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(started).toHaveLength(2);

  second.answer();
  (await nth(2)).answer();
  first.answer();

  expect(await Promise.all(answers)).toEqual(['answer to a', 'answer to b', 'answer to c']);
});

test('what fails fails for its own items only', async () => {
  const { send, nth } = batches({ maxItems: 2 });
  const answers = Promise.allSettled(['a', 'b', 'c'].map(send));

  (await nth(0)).fail(new Error('broken'));
  (await nth(1)).answer();

  expect((await answers).map((answer) => (answer.status === 'fulfilled' ? answer.value : String(answer.reason)))).toEqual([
    'Error: broken',
    'Error: broken',
    'answer to c',
  ]);
});

test('an item that is refused alone leaves the others their answers', async () => {
  const send = inBatches<number, number>({
    patienceMs: 1_000,
    atOnce: 1,
    maxItems: 10,
    run: (items) => Promise.allSettled(items.map(async (item) => (item === 2 ? Promise.reject(new Error('not two')) : item * 10))),
  });

  const answers = await Promise.allSettled([1, 2, 3].map(send));

  expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : String(answer.reason)))).toEqual([
    10,
    'Error: not two',
    30,
  ]);
});
