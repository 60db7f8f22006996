import { changeRun, findOpenRequest, moveRun, requestAction, type Run } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testWorker, type TestWorker } from '../testing/worker.ts';
import { endOverdueRuns, expireRequests } from './end-overdue-runs.ts';
import { finishRuns } from './finish-runs.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

const agent = { type: 'agent', id: 'dev' } as const;
const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000);

async function asks(run: Run): Promise<void> {
  await store.db.transaction().execute(async (tx) => {
    const about = { correlationId: run.correlationId, runId: run.id, projectId: run.projectId, repositoryId: undefined };
    const asked = { toolName: 'owner_feedback_request', action: 'owner_feedback_request', target: { question: 'Which?' } };
    await requestAction(tx, { ...about, ...asked, requestedBy: agent, expiresInSec: 600 });
    await moveRun(tx, 'awaitTool', { id: run.id, actor: agent });
  });
}

test('a run that worked for too long times out', async () => {
  const run = await worker.aRunning({ set: { timeoutAt: ago(1) } });
  const other = await worker.aRunning({ set: { timeoutAt: new Date(Date.now() + 60_000) }, issueNumber: 8 });

  await worker.pass(endOverdueRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'timed_out', failureCode: 'run.timed_out' });
  expect((await worker.run(other)).status).toBe('running');
});

test('a run that waits for an answer has no end time, and goes on with the time it had left (NFR-012)', async () => {
  const run = await worker.aRunning({ set: { timeoutAt: new Date(Date.now() + 30_000) } });
  await asks(run);
  await sql`update core.agent_runs set wait_since = now() - interval '2 days' where id = ${run.id}`.execute(store.db);

  await worker.pass(endOverdueRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'waiting_mcp', timeoutAt: null });
  await moveRun(store.db, 'resume', { id: run.id, actor: agent });
  const left = ((await worker.run(run)).timeoutAt?.getTime() ?? 0) - Date.now();
  expect(left).toBeGreaterThan(20_000);
  expect(left).toBeLessThan(32_000);
});

test('an attempt that has ended is not timed out while the host is away: its work is done', async () => {
  const run = await worker.aClaimed({}, { set: { timeoutAt: ago(1) } });

  await worker.pass(endOverdueRuns);
  await worker.pass(finishRuns);

  expect((await worker.run(run)).status).toBe('waiting_owner_review');
});

test('an owner who does not decide in time ends the run, and the request with it', async () => {
  const run = await worker.aClaimed({}, { policy: { owner_review_timeout_sec: 60 } });
  await worker.pass(finishRuns);
  await changeRun(store.db, { id: run.id, set: { waitSince: ago(61) } });

  await worker.pass(endOverdueRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'timed_out', failureCode: 'run.review_timed_out' });
  expect(await findOpenRequest(store.db, { runId: run.id, toolName: 'owner_review' })).toBeUndefined();
});

test('an expired review request ends its run; an expired question lets the run go on', async () => {
  const reviewed = await worker.aClaimed();
  await worker.pass(finishRuns);
  const asking = await worker.aRunning({ issueNumber: 8 });
  await asks(asking);
  await sql`update core.action_requests set expires_at = now() - interval '1 second'`.execute(store.db);

  expect(await worker.pass(expireRequests)).toBe(2);

  expect(await worker.run(reviewed)).toMatchObject({ status: 'timed_out', failureCode: 'run.review_timed_out' });
  expect((await worker.run(asking)).status).toBe('running');
  expect(await worker.events(asking)).toEqual(expect.arrayContaining(['approval.expired', 'run.wait.resumed']));
});

test('questions of a run that is over are closed', async () => {
  const run = await worker.aRunning();
  await asks(run);
  await moveRun(store.db, 'cancel', { id: run.id, actor: { type: 'human', id: 'ann' } });

  expect(await worker.pass(expireRequests)).toBe(1);

  expect(await findOpenRequest(store.db, { runId: run.id, toolName: 'owner_feedback_request' })).toBeUndefined();
  expect((await worker.run(run)).status).toBe('cancelled');
});
