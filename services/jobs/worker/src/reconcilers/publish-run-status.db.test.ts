import { changeRun, moveRun, setIssueStage, updateRepository, type Run } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { failRun } from '../app/fail-run.ts';
import { hostError, testWorker, type TestWorker } from '../testing/worker.ts';
import { publishRunStatus } from './publish-run-status.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

const ann = { type: 'human', id: 'ann' } as const;
const secondsUntil = (date: Date | null): number => Math.round(((date?.getTime() ?? 0) - Date.now()) / 1000);

async function failed(): Promise<Run> {
  const run = await worker.aRunning();
  await failRun(worker.context, { run, code: 'run.report_missing', message: 'It ended without a report.' });
  return run;
}

test('a failed run says why and what to do, once, and its trigger label goes', async () => {
  const run = await failed();
  worker.host.labels.set(7, ['run:dev', 'bug']);

  await worker.pass(publishRunStatus);
  await worker.pass(publishRunStatus);

  expect(worker.host.comments.map(({ body }) => body)).toEqual([
    expect.stringMatching(/run[.]report_missing[\s\S]*What to do: Read the log/),
  ]);
  expect(worker.host.labels.get(7)).toEqual(['bug']);
  expect((await worker.run(run)).publishedState).toBe('failed:1:0');
});

test('a comment that was written just before a crash is found and edited, not doubled', async () => {
  const run = await failed();
  worker.host.comments.push({
    id: 5,
    number: 7,
    body: `old <!-- codex-k8s:run-status {"run_id":"${run.id}","run_status":"running"} -->`,
    author: 'codex-bot',
    htmlUrl: '',
  });

  await worker.pass(publishRunStatus);

  expect(worker.host.comments).toMatchObject([{ id: 5, body: expect.stringContaining('run.report_missing') }]);
});

test('a comment that a person deleted is written anew', async () => {
  const run = await failed();
  await changeRun(store.db, { id: run.id, set: { commentId: 99 } });

  await worker.pass(publishRunStatus);

  expect(worker.host.comments).toHaveLength(1);
});

test.each([
  ['is away', hostError('github.unavailable'), 15],
  ['limits the rate', hostError('github.rate_limited', { retryAfterSec: 600 }), 600],
  ['no longer has the repository', hostError('github.not_found'), 3_600],
  ['refuses the token', hostError('github.unauthorized'), 3_600],
  ['meets a defect of ours', new TypeError('x'), 15],
])('a host that %s is asked again after a fitting time, and the run stays what it is', async (_, error, waitSec) => {
  const run = await failed();
  // Long ago: what was stored just now would be tried at once.
  await sql`update core.repositories set updated_at = now() - interval '1 hour'`.execute(store.db);
  worker.host.failing.set('createComment', error);

  expect(await worker.pass(publishRunStatus)).toBe(0);

  const { status, publishRetryAt, publishedState } = await worker.run(run);
  expect([status, publishedState]).toEqual(['failed', null]);
  expect(Math.abs(secondsUntil(publishRetryAt) - waitSec)).toBeLessThan(5);
});

test('a token that is stored while the comment fails with the old one is tried soon', async () => {
  const run = await failed();
  worker.host.failing.set('createComment', hostError('github.unauthorized'));
  worker.host.meanwhile.set('createComment', () =>
    updateRepository(store.db, { id: run.repositoryId ?? '', tokenEncrypted: Buffer.from('new') }),
  );

  await worker.pass(publishRunStatus);

  expect(secondsUntil((await worker.run(run)).publishRetryAt)).toBeLessThan(20);
});

test('of two workers one publishes', async () => {
  await failed();

  await Promise.all([worker.pass(publishRunStatus), worker.pass(publishRunStatus)]);

  expect(worker.host.count('createComment')).toBe(1);
});

test('a run whose repository was removed has nothing to show and is not tried again', async () => {
  const run = await failed();
  await changeRun(store.db, { id: run.id, set: { repositoryId: null } });

  await worker.pass(publishRunStatus);

  expect((await worker.run(run)).publishedState).toBe('failed:1:0');
  expect(worker.host.calls).toEqual([]);
});

test('labels follow: in review, then approved', async () => {
  const run = await worker.aRunning({ set: { prNumber: 12 } });
  worker.host.labels.set(7, ['run:dev']);
  await moveRun(store.db, 'awaitOwner', { id: run.id, actor: ann });
  await worker.pass(publishRunStatus);
  expect([worker.host.labels.get(7), worker.host.labels.get(12)]).toEqual([['state:in-review'], ['state:in-review']]);

  await store.db.transaction().execute(async (tx) => {
    await moveRun(tx, 'succeed', { id: run.id, actor: ann });
    const place = { repositoryId: run.repositoryId ?? '', projectId: run.projectId, issueNumber: 7, profile: 'feature' };
    await setIssueStage(tx, { ...place, stage: 'dev', status: 'approved', runId: run.id, correlationId: 'c', actor: ann });
  });
  await worker.pass(publishRunStatus);

  expect([worker.host.labels.get(7), worker.host.labels.get(12)]).toEqual([['state:approved'], ['state:approved']]);
});

test('a cancelled rework takes the review label off again', async () => {
  const run = await worker.aRunning({ runKind: 'revise', set: { prNumber: 12 } });
  worker.host.labels.set(12, ['state:in-review']);
  await moveRun(store.db, 'cancel', { id: run.id, actor: ann, failure: { code: 'run.pull_request_closed', message: 'merged' } });

  await worker.pass(publishRunStatus);

  expect(worker.host.labels.get(12)).toEqual([]);
});
