import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from './logger.ts';
import { startReconcilers } from './reconcilers.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const never = 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.for([
  { restMs: 100, passes: [1, 1, 2, 2, 3], what: 'rests between two passes, however often it is woken' },
  { restMs: 0, passes: [1, 2, 3, 4, 5], what: 'begins at once' },
  { restMs: undefined, passes: [1, 1, 1, 1, 1], what: 'only follows the clock' },
])('with restMs $restMs a woken reconciler $what', async ({ restMs, passes }) => {
  let started = 0;
  const reconcile = async () => ((started += 1), 0);
  const loops = startReconcilers(log, [{ name: 'test', everyMs: never, ...(restMs !== undefined && { restMs }), reconcile }]);
  const seen: number[] = [];
  for (const waitMs of [10, 40, 60, 10]) {
    await vi.advanceTimersByTimeAsync(waitMs);
    seen.push(started);
    loops.wake();
    loops.wake();
    await vi.advanceTimersByTimeAsync(1);
  }
  await vi.advanceTimersByTimeAsync(200);
  seen.push(started);
  await loops[Symbol.asyncDispose]();

  expect(seen).toEqual(passes);
});

test('what wakes a reconciler during its pass is not lost', async () => {
  const gate = Promise.withResolvers<number>();
  const passes = [() => gate.promise];
  let started = 0;
  const loops = startReconcilers(log, [{ name: 'test', everyMs: never, restMs: 100, reconcile: async () => passes[started++]?.() ?? 0 }]);
  await vi.advanceTimersByTimeAsync(10);
  loops.wake();
  await vi.advanceTimersByTimeAsync(500);
  expect(started).toBe(1);
  gate.resolve(0);
  await vi.advanceTimersByTimeAsync(1);
  await loops[Symbol.asyncDispose]();

  expect(started).toBe(2);
});

test.for([
  { overlaps: true, begun: 3 },
  { overlaps: false, begun: 1 },
])('of a reconciler whose first pass waits, $begun begin when it overlaps: $overlaps', async ({ overlaps, begun }) => {
  const slow = Promise.withResolvers<number>();
  const passes: (() => Promise<number>)[] = [() => slow.promise];
  let started = 0;
  const reconcile = async () => passes[started++]?.() ?? 0;
  const loops = startReconcilers(log, [{ name: 'test', everyMs: never, restMs: 0, overlaps, reconcile }]);
  for (let n = 0; n < 2; n += 1) {
    loops.wake();
    await vi.advanceTimersByTimeAsync(1);
  }
  const startedMeanwhile = started;
  slow.resolve(0);
  await loops[Symbol.asyncDispose]();

  expect(startedMeanwhile).toBe(begun);
});

test('a pass that changed something is followed by another at once, also when a later one ended before it', async () => {
  const slow = Promise.withResolvers<number>();
  const passes = [() => slow.promise];
  let started = 0;
  const reconcile = async () => passes[started++]?.() ?? 0;
  const loops = startReconcilers(log, [{ name: 'test', everyMs: never, restMs: 0, overlaps: true, reconcile }]);
  loops.wake();
  await vi.waitFor(() => expect(started).toBe(2));
  slow.resolve(1);
  await vi.waitFor(() => expect(started).toBe(3));
  await loops[Symbol.asyncDispose]();
});

test('a pass that fails is counted and followed by the next after its time; disposing waits for what is under way', async () => {
  const seen: { failed: boolean; changed: number }[] = [];
  const gate = Promise.withResolvers<void>();
  let isOver = false;
  let started = 0;
  const reconcile = async (): Promise<number> => {
    started += 1;
    if (started === 1) throw new Error('no database');
    await gate.promise;
    isOver = true;
    return 0;
  };
  const loops = startReconcilers(log, [{ name: 'test', everyMs: 1, overlaps: true, reconcile }], {
    onPass: ({ failed, changed }) => void seen.push({ failed, changed }),
  });
  await vi.waitFor(() => expect(started).toBeGreaterThan(2));
  const disposed = loops[Symbol.asyncDispose]();
  gate.resolve();
  await disposed;

  expect(isOver).toBe(true);
  expect(seen[0]).toEqual({ failed: true, changed: 0 });
  expect(seen).toHaveLength(started);
});
