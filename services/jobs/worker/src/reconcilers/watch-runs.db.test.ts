import { AppError } from '@codex-k8s/domain';
import { changeRun, listOwnRuns, listRunEvents, moveRun, type Run } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testWorker, type RunningOptions, type TestWorker } from '../testing/worker.ts';
import { watchRuns } from './watch-runs.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000);

async function alive(options: RunningOptions = {}): Promise<Run> {
  const run = await worker.aRunning({ policy: { max_attempts: 3 }, ...options });
  worker.runtime.alive.push({ runId: run.id, attempt: run.attempt });
  return run;
}

test('a run whose process lives keeps its lease and its attempt', async () => {
  const run = await alive({ set: { leaseUntil: new Date(Date.now() + 1_000) } });

  await worker.pass(watchRuns);

  const { attempt, leaseUntil } = await worker.run(run);
  expect(attempt).toBe(1);
  expect((leaseUntil?.getTime() ?? 0) - Date.now()).toBeGreaterThan(30_000);
});

test('a process that ended without a word is a loss, and the next attempt begins', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 } });

  await worker.pass(watchRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'running', attempt: 2, losses: 1 });
  expect(worker.runtime.launched).toMatchObject([{ runId: run.id, attempt: 2 }]);
  expect(await worker.events(run)).toContain('run.attempt.lost');
});

test('more losses than the policy allows fail the run', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 }, set: { losses: 2 } });

  await worker.pass(watchRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'failed', failureCode: 'run.agent_crashed' });
  expect(worker.runtime.launched).toEqual([]);
});

test('a process that fell silent is ended and replaced, and that is no loss', async () => {
  const run = await alive({ set: { heartbeatAt: ago(500) } });

  await worker.pass(watchRuns);

  expect(worker.runtime.stopped).toEqual([run.id]);
  expect(await worker.run(run)).toMatchObject({ attempt: 2, losses: 0 });
});

test.each(['before', 'after'])(
  'an older attempt that a worker launched late, listed %s the own one, says nothing about the run',
  async (place) => {
    const run = await alive({ set: { attempt: 2 } });
    const late = { runId: run.id, attempt: 1, notStarted: { code: 'run.pod_not_started', message: 'x' } } as const;
    if (place === 'before') worker.runtime.alive.unshift(late);
    else worker.runtime.alive.push(late);

    await worker.pass(watchRuns);

    expect(await worker.run(run)).toMatchObject({ status: 'running', attempt: 2, losses: 0 });
  },
);

test('a run that waits for an answer is watched like any other', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 } });
  await moveRun(store.db, 'awaitTool', { id: run.id, actor: { type: 'agent', id: 'dev' } });

  await worker.pass(watchRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'waiting_mcp', attempt: 2 });
});

test('runs of a worker that is gone are adopted, and what its end took with it is no loss', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 }, set: { leaseOwner: 'gone', leaseUntil: ago(1) } });

  await worker.pass(watchRuns);

  expect(await worker.run(run)).toMatchObject({ attempt: 2, losses: 0, leaseOwner: worker.context.config.workerId });
  expect(await worker.events(run)).toContain('run.reclaimed_after_stale_lease');
});

test('of two workers one adopts', async () => {
  await worker.aRunning({ set: { leaseOwner: 'gone', leaseUntil: ago(1) } });
  const other = testWorker(store);

  await Promise.all([worker.pass(watchRuns), other.pass(watchRuns)]);

  const owned = await Promise.all([worker, other].map(({ context }) => listOwnRuns(store.db, context.config.workerId)));
  expect(owned.flat()).toHaveLength(1);
});

test('a process that reported its end is not replaced', async () => {
  const run = await worker.aClaimed();

  await worker.pass(watchRuns);

  expect([(await worker.run(run)).attempt, worker.runtime.launched]).toEqual([1, []]);
});

test('no disk for the next attempt is told as such', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 } });
  worker.runtime.launchError = Object.assign(new Error('ENOSPC: no space left on device, open'), { code: 'ENOSPC' });

  await worker.pass(watchRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'failed', failureCode: 'run.disk_full' });
});

test('an attempt that the cluster does not take yet is no loss, and begins when it does', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 } });
  const refused = new AppError('kube.webhook_failed', 'failed calling webhook "x.example.com"');
  const passes: [number, number][] = [];

  for (let pass = 1; pass <= 6; pass += 1) {
    worker.runtime.launchError = pass < 6 ? refused : undefined;
    await worker.pass(watchRuns);
    await changeRun(store.db, { id: run.id, set: { retryAt: pass < 6 ? ago(1) : (await worker.run(run)).retryAt } });
    const { attempt, losses } = await worker.run(run);
    passes.push([attempt, losses]);
  }

  expect(new Set(passes.map(String))).toEqual(new Set(['2,1']));
  expect(worker.runtime.launched).toMatchObject([{ runId: run.id, attempt: 2 }]);
  expect(await worker.run(run)).toMatchObject({ status: 'running', retryAt: null });
  const told = (await listRunEvents(store.db, { runId: run.id, after: 0, limit: 100 })).filter(
    ({ eventType }) => eventType === 'run.postponed',
  );
  expect(told).toMatchObject([{ payload: { attempt: 2, code: 'kube.webhook_failed', message: refused.message } }]);
});

test('until then it is left alone, and another run is not', async () => {
  const [waiting, other] = [
    await worker.aRunning({ issueNumber: 1, policy: { max_attempts: 3 }, set: { retryAt: new Date(Date.now() + 60_000) } }),
    await worker.aRunning({ issueNumber: 2, policy: { max_attempts: 3 } }),
  ];

  await worker.pass(watchRuns);

  expect([(await worker.run(waiting)).attempt, (await worker.run(other)).attempt]).toEqual([1, 2]);
  expect(worker.runtime.launched.map(({ runId }) => runId)).toEqual([other.id]);
});
