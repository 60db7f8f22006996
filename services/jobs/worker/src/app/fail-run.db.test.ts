import { getIssueStage, moveRun } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testWorker, type TestWorker } from '../testing/worker.ts';
import { failRun } from './fail-run.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

test('of twenty failures at once one is recorded', async () => {
  const run = await worker.aRunning();

  const done = await Promise.all(
    Array.from({ length: 20 }, (_, n) => failRun(worker.context, { run, code: 'run.agent_failed', message: `reason ${n}` })),
  );

  expect(done.filter(Boolean)).toHaveLength(1);
  expect((await worker.events(run)).filter((type) => type === 'run.failed')).toHaveLength(1);
});

test('a run that is over is not failed again', async () => {
  const run = await worker.aRunning();
  await moveRun(store.db, 'cancel', { id: run.id, actor: { type: 'human', id: 'ann' } });

  expect(await failRun(worker.context, { run, code: 'run.agent_failed', message: '' })).toBe(false);
  expect((await worker.run(run)).status).toBe('cancelled');
});

test("a failure of an older attempt is nobody else's", async () => {
  const run = await worker.aRunning();

  expect(await failRun(worker.context, { run: { ...run, attempt: 0 }, code: 'run.agent_failed', message: '' })).toBe(false);
  expect((await worker.run(run)).status).toBe('running');
});

test('the stage of the issue fails with its run, on the route of the project; a review has none', async () => {
  const run = await worker.aRunning({ settings: { profile: 'new-service' } });
  const review = await worker.aRunning({ runKind: 'review', issueNumber: 8 });

  await failRun(worker.context, { run, code: 'run.agent_failed', message: '' });
  await failRun(worker.context, { run: review, code: 'run.agent_failed', message: '' });

  const stage = await getIssueStage(store.db, { repositoryId: run.repositoryId ?? '', issueNumber: 7 });
  expect(stage).toMatchObject({ stage: 'dev', status: 'failed', profile: 'new-service' });
  expect(await getIssueStage(store.db, { repositoryId: review.repositoryId ?? '', issueNumber: 8 })).toBeUndefined();
});
