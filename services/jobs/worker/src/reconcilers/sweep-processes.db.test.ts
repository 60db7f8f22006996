import { changeRun, claimPendingRuns, moveRun } from '@codex-k8s/store';
import { aRun, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testWorker, type TestWorker } from '../testing/worker.ts';
import { cleanWorkspaces, sweepProcesses } from './sweep-processes.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

const ann = { type: 'human', id: 'ann' } as const;

test('processes of runs that are over, superseded or unknown are ended, those at work are not', async () => {
  const [over, superseded, atWork] = [
    await worker.aRunning({ issueNumber: 1 }),
    await worker.aRunning({ issueNumber: 2 }),
    await worker.aRunning({ issueNumber: 3 }),
  ];
  await moveRun(store.db, 'cancel', { id: over.id, actor: ann });
  await changeRun(store.db, { id: superseded.id, set: { attempt: 2 } });
  const unknown = '00000000-0000-4000-8000-000000000000';
  worker.runtime.alive.push(...[over.id, superseded.id, atWork.id, unknown].map((runId) => ({ runId, attempt: 1 })));

  await worker.pass(sweepProcesses);

  expect(worker.runtime.stopped.toSorted()).toEqual([over.id, superseded.id, unknown].toSorted());
  expect(worker.runtime.alive.map(({ runId }) => runId)).toEqual([atWork.id]);
});

test('a process that cannot be ended does not keep the others', async () => {
  const runs = [await worker.aRunning({ issueNumber: 1 }), await worker.aRunning({ issueNumber: 2 })];
  for (const { id } of runs) {
    await moveRun(store.db, 'cancel', { id, actor: ann });
    worker.runtime.alive.push({ runId: id, attempt: 1 });
  }
  const { stop } = worker.runtime;
  worker.runtime.stop = async (runId) => {
    if (runId === runs[0]?.id) throw new Error('it does not end');
    await stop(runId);
  };

  await worker.pass(sweepProcesses);

  expect(worker.runtime.alive.map(({ runId }) => runId)).toEqual([runs[0]?.id]);
});

test('the slot of a run that is over is free again', async () => {
  const repository = await worker.aBoundRepository();
  const { id } = await aRun(store, { repository });
  const claim = () => claimPendingRuns(store.db, { owner: 'w', leaseSec: 60, slotsPerProject: 1 }).next();
  await claim();
  await moveRun(store.db, 'cancel', { id, actor: ann });

  expect(await worker.pass(sweepProcesses)).toBe(0); // nothing is left for a second pass at once

  const next = await aRun(store, { repository });
  expect((await claim()).value?.id).toBe(next.id);
});

test('workspaces stay for people to look at, then go, once', async () => {
  const [old, recent] = [await worker.aRunning({ issueNumber: 1 }), await worker.aRunning({ issueNumber: 2 })];
  for (const { id } of [old, recent]) await moveRun(store.db, 'cancel', { id, actor: ann });
  await sql`update core.agent_runs set finished_at = now() - interval '2 hours' where id = ${old.id}`.execute(store.db);

  expect([await worker.pass(cleanWorkspaces), await worker.pass(cleanWorkspaces)]).toEqual([1, 0]);

  expect(worker.runtime.cleaned).toEqual([old.id]);
});

test('a workspace that cannot be removed is tried again', async () => {
  const run = await worker.aRunning();
  await moveRun(store.db, 'cancel', { id: run.id, actor: ann });
  await sql`update core.agent_runs set finished_at = now() - interval '2 hours'`.execute(store.db);
  const { clean } = worker.runtime;
  worker.runtime.clean = async () => Promise.reject(new Error('EBUSY'));

  expect(await worker.pass(cleanWorkspaces)).toBe(0);
  worker.runtime.clean = clean;
  expect(await worker.pass(cleanWorkspaces)).toBe(0); // not at once
  await sql`update core.agent_runs set retry_at = now()`.execute(store.db);

  expect(await worker.pass(cleanWorkspaces)).toBe(1);
  expect(await worker.run(run)).toMatchObject({ cleanedUpAt: expect.any(Date), retryAt: null });
});

test('of two workers one cleans up', async () => {
  const runs = [await worker.aRunning({ issueNumber: 1 }), await worker.aRunning({ issueNumber: 2 })];
  for (const { id } of runs) await moveRun(store.db, 'cancel', { id, actor: ann });
  await sql`update core.agent_runs set finished_at = now() - interval '2 hours'`.execute(store.db);
  const other = testWorker(store);

  await Promise.all([worker.pass(cleanWorkspaces), other.pass(cleanWorkspaces)]);

  expect([...worker.runtime.cleaned, ...other.runtime.cleaned].toSorted()).toEqual(runs.map(({ id }) => id).toSorted());
});
