/** Whatever the worker's clock says, the database's decides: nothing ends too early, waits too long, or is refused. */
import { verifyToken } from '@codex-k8s/http';
import { databaseNow, recordSignOfLife, type Run } from '@codex-k8s/store';
import { aRun, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hostError, testWorker, type TestWorker } from '../testing/worker.ts';
import { answerRefusals } from './answer-refusals.ts';
import { finishRuns } from './finish-runs.ts';
import { publishRunStatus } from './publish-run-status.ts';
import { startPendingRuns } from './start-pending-runs.ts';
import { watchRuns } from './watch-runs.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});
afterEach(() => void vi.useRealTimers());

/** Seconds from the database's now. */
async function fromNow(date: Date | null): Promise<number> {
  return Math.round(((date?.getTime() ?? Number.NaN) - (await databaseNow(store.db)).getTime()) / 1000);
}

async function silentFor({ id }: Run, seconds: number): Promise<void> {
  await sql`update core.agent_runs set updated_at = now() - make_interval(secs => ${seconds}) where id = ${id}`.execute(store.db);
}

describe.each([
  ['ahead', 3_600],
  ['behind', -3_600],
])('a worker whose clock is an hour %s', (_, offSec) => {
  const skew = (): void => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offSec * 1000 });

  test('takes an attempt for lost only when it has been silent for long', async () => {
    const [alive, silent] = [
      await worker.aRunning({ issueNumber: 1, policy: { max_attempts: 3 } }),
      await worker.aRunning({ issueNumber: 2, policy: { max_attempts: 3 } }),
    ];
    for (const run of [alive, silent]) worker.runtime.alive.push({ runId: run.id, attempt: 1 });
    await recordSignOfLife(store.db, { id: alive.id, attempt: 1 });
    await silentFor(silent, worker.context.config.heartbeatTimeoutSec + 5);
    skew();

    await worker.pass(watchRuns);

    expect([(await worker.run(alive)).attempt, (await worker.run(silent)).attempt]).toEqual([1, 2]);
  });

  test('gives a pod that does not start the whole of its time, and no more', async () => {
    const [young, old] = [await worker.aRunning({ issueNumber: 1 }), await worker.aRunning({ issueNumber: 2 })];
    const notStarted = { code: 'run.image_unavailable', message: 'no such image' } as const;
    for (const run of [young, old]) worker.runtime.alive.push({ runId: run.id, attempt: 1, notStarted });
    await silentFor(young, worker.context.config.startTimeoutSec - 60);
    await silentFor(old, worker.context.config.startTimeoutSec + 5);
    skew();

    await worker.pass(watchRuns);

    expect((await worker.run(young)).status).toBe('running');
    expect(await worker.run(old)).toMatchObject({ status: 'failed', failureCode: 'run.image_unavailable' });
  });

  test('starts a run with the time its policy allows, and a token that the control plane accepts', async () => {
    const repository = await worker.aBoundRepository();
    const run = await aRun(store, { repository, issueNumber: 7, policy: { run_timeout_sec: 600, max_parallel_runs: 5 } });
    skew();

    await worker.pass(startPendingRuns);
    vi.useRealTimers();

    const left = await fromNow((await worker.run(run)).timeoutAt);
    const key = new TextEncoder().encode(worker.context.config.runTokenKey);
    const token = worker.runtime.launched[0]?.runToken ?? '';
    expect(left).toBeGreaterThan(590);
    expect(left).toBeLessThanOrEqual(600);
    expect(await verifyToken(key, { token, issuer: 'codex-k8s/control-plane/mcp' })).toMatchObject({ run_id: run.id, attempt: 1 });
  });

  test('asks a host that is away again after the usual time, and does not give up', async () => {
    const run = await worker.aClaimed();
    await recordSignOfLife(store.db, { id: run.id, attempt: 1 });
    worker.host.failing.set('getBranchSha', new Error('a defect, which gets ten minutes'));
    worker.host.failing.set('createComment', hostError('github.unavailable'));
    skew();

    await worker.pass(finishRuns);
    await worker.pass(publishRunStatus);
    await worker.pass(answerRefusals);

    const { status, retryAt, publishRetryAt } = await worker.run(run);
    expect(status).toBe('running');
    for (const at of [retryAt, publishRetryAt]) {
      expect(await fromNow(at)).toBeGreaterThan(0);
      expect(await fromNow(at)).toBeLessThan(120);
    }
  });
});

test('a status that cannot be published does not make a silent run look alive', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 } });
  worker.runtime.alive.push({ runId: run.id, attempt: 1 });
  await silentFor(run, worker.context.config.heartbeatTimeoutSec + 5);
  worker.host.failing.set('createComment', hostError('github.unavailable'));

  await worker.pass(publishRunStatus);
  await worker.pass(watchRuns);

  expect((await worker.run(run)).attempt).toBe(2);
});
