import { changeRun, deleteRepository, moveRun, requestAction, listActionRequests, type Run } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { hostError, otherSha, startSha, testWorker, type TestWorker } from '../testing/worker.ts';
import { finishRuns } from './finish-runs.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000);
const secondsUntil = (date: Date | null): number => Math.round(((date?.getTime() ?? 0) - Date.now()) / 1000);

async function settled(run: Run): Promise<Pick<Run, 'status' | 'failureCode'>> {
  await worker.pass(finishRuns);
  const { status, failureCode } = await worker.run(run);
  return { status, failureCode };
}

test('a delivery that the host confirms waits for the owner with a pull request, a request and a reviewer', async () => {
  const run = await worker.aClaimed();

  expect(await settled(run)).toEqual({ status: 'waiting_owner_review', failureCode: null });

  expect(await worker.run(run)).toMatchObject({ prNumber: 12, leaseOwner: null, retryAt: null });
  expect(await worker.events(run)).toEqual(expect.arrayContaining(['run.pr.created', 'run.delivery.verified', 'approval.requested']));
});

test.each([
  ['the branch is not there', () => worker.host.branches.clear(), 'run.delivery_unconfirmed', /no branch/],
  ['the branch has another head', () => worker.host.branches.set('codex/issue-7', otherSha), 'run.delivery_unconfirmed', /head_matches/],
  ['the branch is not ahead', () => worker.host.ahead.set('main', 0), 'run.delivery_unconfirmed', /commits_ahead/],
  ['only an earlier run has commits there', () => worker.host.ahead.set(startSha, 0), 'run.nothing_delivered', /commits_of_this_run/],
  [
    'the repository is gone',
    () => {
      worker.host.branches.clear();
      worker.host.failing.set('validateRepository', hostError('github.not_found'));
    },
    'github.not_found',
    /github[.]not_found/,
  ],
  ['the token was revoked', () => worker.host.failing.set('getBranchSha', hostError('github.unauthorized')), 'github.unauthorized', /./],
  ['the token lacks a right', () => worker.host.failing.set('createPullRequest', hostError('github.forbidden')), 'github.forbidden', /./],
  [
    'the host refuses the pull request',
    () => worker.host.failing.set('createPullRequest', hostError('github.rejected')),
    'github.rejected',
    /./,
  ],
])('when %s the run fails with a code that says so', async (_, happens, code, message) => {
  const run = await worker.aClaimed();
  happens();

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: code });

  expect((await worker.run(run)).failureMessage).toMatch(message);
  expect(await worker.pass(finishRuns)).toBe(0);
});

test('a repository that was removed from the platform fails the run as its precondition', async () => {
  const run = await worker.aClaimed();
  if (run.repositoryId !== null) await deleteRepository(store.db, run.repositoryId);

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: 'run.precondition_failed' });
});

test.each([
  ['limits the rate and says for how long', hostError('github.rate_limited', { retryAfterSec: 900 }), 900],
  ['limits the rate for days', hostError('github.rate_limited', { retryAfterSec: 500_000 }), 3_600],
  ['is away', hostError('github.unavailable'), 10],
  ['meets a defect of ours', new TypeError('not yet understood'), 10],
])('a host that %s costs time, not the run, and the timeline says so once', async (_, error, waitSec) => {
  const run = await worker.aClaimed();
  worker.host.failing.set('createPullRequest', error);

  expect(await settled(run)).toEqual({ status: 'running', failureCode: null });
  const { retryAt } = await worker.run(run);
  expect(await worker.pass(finishRuns)).toBe(0);
  worker.host.failing.clear();

  expect(Math.abs(secondsUntil(retryAt) - waitSec)).toBeLessThan(5);
  expect(worker.host.count('createPullRequest')).toBe(1);
  expect((await worker.events(run)).filter((type) => type === 'run.postponed')).toHaveLength(1);
});

test('a postponed run goes on when its time has come', async () => {
  const run = await worker.aClaimed({}, { set: { retryAt: ago(1) } });

  expect(await settled(run)).toEqual({ status: 'waiting_owner_review', failureCode: null });
});

test.each([
  ['a host that stays away for a day', hostError('github.unavailable'), 90_000, 'github.unavailable'],
  ['a defect that stays', new TypeError('never understood'), 700, 'internal'],
])('%s ends the run: nothing waits for ever', async (_, error, seconds, code) => {
  const run = await worker.aClaimed({}, { set: { heartbeatAt: ago(seconds) } });
  worker.host.failing.set('getBranchSha', error);

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: code });
});

test('one failing run does not hold up the next', async () => {
  const first = await worker.aClaimed({}, { issueNumber: 1 });
  const second = await worker.aClaimed({}, { issueNumber: 2 });
  let isFirst = true;
  worker.host.meanwhile.set('getBranchSha', () => {
    if (!isFirst) return;
    isFirst = false;
    throw hostError('github.unavailable');
  });

  await worker.pass(finishRuns);

  expect([(await worker.run(first)).status, (await worker.run(second)).status].toSorted()).toEqual(['running', 'waiting_owner_review']);
});

test('an attempt that failed over an absent host is tried again later, and then by another attempt', async () => {
  const run = await worker.aClaimed({ outcome: 'failed', failure_code: 'github.unavailable', failure_message: 'hung up' });

  expect(await settled(run)).toEqual({ status: 'running', failureCode: null });
  const postponed = await worker.run(run);
  expect(postponed.attempt).toBe(1);
  expect(secondsUntil(postponed.retryAt)).toBeGreaterThan(5);
  const due = await dueNow(run);
  await worker.pass(finishRuns);

  expect(await worker.run(due)).toMatchObject({ status: 'running', attempt: 2, losses: 0, attemptResult: null, retryAt: null });
  expect(worker.runtime.launched).toMatchObject([{ runId: run.id, attempt: 2 }]);
});

async function dueNow(run: Run): Promise<Run> {
  return (await changeRun(store.db, { id: run.id, set: { retryAt: ago(1) } })) ?? run;
}

test('an attempt that failed over an absent host fails the run when its time is over, under the true code', async () => {
  const failing = { outcome: 'failed', failure_code: 'github.rate_limited' } as const;
  const run = await worker.aClaimed(failing, { set: { timeoutAt: ago(1) } });

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: 'github.rate_limited' });
});

test('a crashed agent is resumed as often as the policy allows, then the run fails', async () => {
  const crash = { outcome: 'failed', failure_code: 'run.agent_crashed', failure_message: 'signal SIGKILL' } as const;
  const run = await worker.aClaimed(crash, { policy: { max_attempts: 2 } });
  const last = await worker.aClaimed(crash, { policy: { max_attempts: 2 }, set: { losses: 1 }, issueNumber: 8 });

  await worker.pass(finishRuns);

  expect(await worker.run(run)).toMatchObject({ status: 'running', attempt: 2, losses: 1 });
  expect(await worker.run(last)).toMatchObject({ status: 'failed', failureCode: 'run.agent_crashed' });
});

test('no disk for the next attempt ends the run as such', async () => {
  const run = await worker.aClaimed({ outcome: 'failed', failure_code: 'run.agent_crashed' }, { policy: { max_attempts: 3 } });
  worker.runtime.launchError = Object.assign(new Error('ENOSPC: no space left on device, mkdir'), { code: 'ENOSPC' });

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: 'run.disk_full' });
});

test('a code that no table knows is a failure of the agent', async () => {
  const run = await worker.aClaimed({ outcome: 'failed', failure_code: 'made.up' });

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: 'run.agent_failed' });
});

test.each([
  ['a reviewer that says it delivered', { outcome: 'delivered' } as const, 'review' as const, 'run.delivery_unconfirmed'],
  ['work that says it reviewed', { outcome: 'reviewed' } as const, 'work' as const, 'run.nothing_delivered'],
])('%s fails', async (_, claim, runKind, code) => {
  const run = await worker.aClaimed(claim, { runKind });

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: code });
});

test('an attempt that ended while it asked leaves no question behind and is settled', async () => {
  const run = await worker.aRunning();
  await store.db.transaction().execute(async (tx) => {
    const about = { correlationId: run.correlationId, runId: run.id, projectId: run.projectId, repositoryId: undefined };
    const asked = { toolName: 'owner_feedback_request', action: 'owner_feedback_request', target: { question: 'Which?' } };
    await requestAction(tx, { ...about, ...asked, requestedBy: { type: 'agent', id: 'dev' }, expiresInSec: 600 });
    await moveRun(tx, 'awaitTool', { id: run.id, actor: { type: 'agent', id: 'dev' } });
  });
  const attemptResult = JSON.stringify({ outcome: 'failed', failure_code: 'run.report_missing' });
  await changeRun(store.db, { id: run.id, set: { attemptResult } });

  expect(await settled(run)).toEqual({ status: 'failed', failureCode: 'run.report_missing' });

  const actor = { userId: run.id, email: '', githubLogin: undefined, isPlatformAdmin: true, isPlatformOwner: false };
  expect(await listActionRequests(store.db, { actor, states: ['requested'], runId: run.id, limit: 10 })).toEqual([]);
});

test('a run that was cancelled while it was being delivered stays cancelled', async () => {
  const run = await worker.aClaimed();
  const failure = { code: 'run.issue_closed', message: 'closed' } as const;
  worker.host.meanwhile.set('createPullRequest', () =>
    moveRun(store.db, 'cancel', { id: run.id, actor: { type: 'human', id: 'ann' }, failure }),
  );

  expect(await settled(run)).toEqual({ status: 'cancelled', failureCode: 'run.issue_closed' });
  expect(await worker.pass(finishRuns)).toBe(0);
});
