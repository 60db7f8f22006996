import { AppError } from '@codex-k8s/domain';
import { getRun, listRunEvents, moveRun, type Run } from '@codex-k8s/store';
import { aRun, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testWorker, type TestWorker } from '../testing/worker.ts';
import { startPendingRuns } from './start-pending-runs.ts';
import { sweepProcesses } from './sweep-processes.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

async function pending(policy: object = { run_timeout_sec: 600, max_parallel_runs: 5 }): Promise<Run> {
  return aRun(store, { repository: await worker.aBoundRepository(), issueNumber: 7, policy });
}

test('a pending run becomes a process, with the time its policy allows', async () => {
  const run = await pending();

  expect(await worker.pass(startPendingRuns)).toBe(1);

  const { status, attempt, timeoutAt } = await worker.run(run);
  expect([status, attempt]).toEqual(['running', 1]);
  expect(Math.abs((timeoutAt?.getTime() ?? 0) - Date.now() - 600_000)).toBeLessThan(5_000);
  expect(worker.runtime.launched).toMatchObject([{ runId: run.id, attempt: 1 }]);
});

test('a policy without a time limit sets no end', async () => {
  const run = await pending({ run_timeout_sec: 0 });

  await worker.pass(startPendingRuns);

  expect((await worker.run(run)).timeoutAt).toBeNull();
});

test.each([
  ['a full disk', Object.assign(new Error('ENOSPC: no space left on device, mkdir'), { code: 'ENOSPC' }), 'run.disk_full'],
  ['a full quota', Object.assign(new Error('EDQUOT: disk quota exceeded, open'), { code: 'EDQUOT' }), 'run.disk_full'],
  ['a runtime that is not allowed', new AppError('runtime.not_allowed', 'no'), 'runtime.not_allowed'],
] as const)('%s fails the run as such', async (_, error, code) => {
  const run = await pending();
  worker.runtime.launchError = error;

  await worker.pass(startPendingRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'failed', failureCode: code });
});

test('a launch that may work later is tried later, and the run says that it waits', async () => {
  const run = await pending();
  worker.runtime.launchError = Object.assign(new Error('spawn EAGAIN'), { code: 'EAGAIN' });

  await worker.pass(startPendingRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'pending', pendingReason: 'retry_later', leaseOwner: null });
  expect(await worker.pass(startPendingRuns)).toBe(0); // not yet
});

test('a run that was cancelled while it was launched is not started, and its process is swept', async () => {
  const run = await pending();
  const { launch } = worker.runtime;
  worker.runtime.launch = async (spec) => {
    await launch(spec);
    await moveRun(store.db, 'cancel', { id: run.id, actor: { type: 'human', id: 'ann' } });
  };

  await worker.pass(startPendingRuns);
  await worker.pass(sweepProcesses);

  expect((await getRun(store.db, run.id))?.status).toBe('cancelled');
  expect(worker.runtime.alive).toEqual([]);
});

test('of two workers one starts the run', async () => {
  const run = await pending();
  const other = testWorker(store);

  const started = await Promise.all([worker.pass(startPendingRuns), other.pass(startPendingRuns)]);

  expect(started.toSorted((a, b) => a - b)).toEqual([0, 1]);
  expect((await worker.events(run)).filter((type) => type === 'run.started')).toHaveLength(1);
});

test.each([
  ['kube.webhook_failed', 'failed calling webhook "x.example.com"', { status: 'pending', pendingReason: 'retry_later' }],
  ['kube.quota_exceeded', 'exceeded quota: x', { status: 'pending', pendingReason: 'retry_later' }],
  ['kube.namespace_terminating', 'it is being deleted', { status: 'pending', pendingReason: 'retry_later' }],
  ['kube.unauthorized', 'the token has expired', { status: 'pending', pendingReason: 'retry_later' }],
  ['kube.forbidden', 'jobs.batch is forbidden', { status: 'pending', pendingReason: 'retry_later' }],
  ['kube.rejected', 'No Jobs on Fridays.', { status: 'failed', failureCode: 'kube.rejected', failureMessage: 'No Jobs on Fridays.' }],
  ['kube.not_ours', 'the namespace is not ours', { status: 'failed', failureCode: 'kube.not_ours' }],
] as const)('%s is the outcome of one run and not of the next, which is of another project', async (code, message, outcome) => {
  const [refused, other] = [await pending(), await pending()];
  const { launch } = worker.runtime;
  worker.runtime.launch = (spec) => (spec.runId === refused.id ? Promise.reject(new AppError(code, message)) : launch(spec));

  await worker.pass(startPendingRuns);

  expect(await worker.run(refused)).toMatchObject(outcome);
  expect((await worker.run(other)).status).toBe('running');
  const told = (await listRunEvents(store.db, { runId: refused.id, after: 0, limit: 100 })).map(({ payload }) => payload);
  expect(told).toContainEqual(expect.objectContaining({ code, message }));
});
