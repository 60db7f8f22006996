import { changeRun, type Run } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { finishRuns } from '../reconcilers/finish-runs.ts';
import { headSha, hostError, testWorker, type RunningOptions, type TestWorker } from '../testing/worker.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

const findings = [{ path: 'a.ts', line: 3, severity: 'major', message: 'Look here.' }];

async function aReview({ set = {}, ...options }: RunningOptions = {}): Promise<Run> {
  const report = JSON.stringify({ summary: 'Read.', verdict: 'request_changes', findings });
  return worker.aClaimed({}, { ...options, runKind: 'review', set: { prNumber: 12, headSha, report, ...set } });
}

async function settled(run: Run): Promise<Run> {
  await worker.pass(finishRuns);
  return worker.run(run);
}

test('a review is posted once, although the worker died behind posting it', async () => {
  const run = await aReview();
  worker.host.failing.set('listReviews', hostError('github.unavailable'));
  await worker.pass(finishRuns);
  worker.host.failing.clear();
  worker.host.reviews.push({
    id: 1,
    author: 'codex-bot',
    state: 'commented',
    body: `x <!-- codex-k8s:review ${run.id} -->`,
    commitSha: headSha,
    htmlUrl: 'review',
  });
  await changeRun(store.db, { id: run.id, set: { retryAt: null } });

  expect(await settled(run)).toMatchObject({ status: 'succeeded' });

  expect(worker.host.count('createReview')).toBe(0);
});

test('a line that is not in the diff costs the places, not the review', async () => {
  const run = await aReview();
  let refusals = 1;
  worker.host.meanwhile.set('createReview', () => {
    refusals -= 1;
    if (refusals === 0) throw hostError('github.rejected');
  });

  expect(await settled(run)).toMatchObject({ status: 'succeeded' });

  expect(worker.host.reviews[0]?.body).toContain('`a.ts:3` Look here.');
});

test.each([
  ['no report', { report: null }, 'run.report_missing'],
  ['no pull request', { prNumber: null }, 'run.pull_request_missing'],
])('a review with %s fails', async (_, set, code) => {
  const run = await aReview({ set });

  expect(await settled(run)).toMatchObject({ status: 'failed', failureCode: code });
});

test('a review that the host does not show is not confirmed', async () => {
  const run = await aReview();
  worker.host.meanwhile.set('listReviews', () => worker.host.reviews.splice(0));

  expect(await settled(run)).toMatchObject({ status: 'failed', failureCode: 'run.delivery_unconfirmed' });
});

test.each([
  ['the pull request is gone', 'github.not_found', 'failed'],
  ['the token was revoked', 'github.unauthorized', 'failed'],
  ['the rate is limited', 'github.rate_limited', 'running'],
  ['the host is away', 'github.unavailable', 'running'],
] as const)('when %s the review ends as %s would have it', async (_, code, status) => {
  const run = await aReview();
  worker.host.failing.set('createReview', hostError(code));

  expect(await settled(run)).toMatchObject({ status, failureCode: status === 'failed' ? code : null });
});
