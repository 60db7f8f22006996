import { changeRun, getIssueStage, listActionRequests, type Run } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { finishRuns } from '../reconcilers/finish-runs.ts';
import { aPullRequest, headSha, hostError, otherSha, testWorker, type TestWorker } from '../testing/worker.ts';
import type { Verification } from './verification.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

async function settled(run: Run): Promise<Run> {
  await worker.pass(finishRuns);
  return worker.run(run);
}

async function openRequests({ id: runId }: Run): Promise<number> {
  const actor = { userId: runId, email: '', githubLogin: undefined, isPlatformAdmin: true, isPlatformOwner: false };
  return (await listActionRequests(store.db, { actor, states: ['requested'], runId, limit: 10 })).length;
}

async function stageOf({ repositoryId }: Run): Promise<string | undefined> {
  return (await getIssueStage(store.db, { repositoryId: repositoryId ?? '', issueNumber: 7 }))?.status;
}

test('what was checked at the host is on record with the run', async () => {
  const run = await settled(await worker.aClaimed());

  const { confirmed, checks } = run.verification as unknown as Verification; // written by deliver
  expect(confirmed).toBe(true);
  expect(checks.map(({ name }) => name)).toEqual([
    'branch_exists',
    'head_matches',
    'commits_ahead',
    'commits_of_this_run',
    'pull_request_open',
    'pull_request_head_matches',
  ]);
});

test('a delivery that a crash interrupted behind the pull request is finished with the same one', async () => {
  const run = await worker.aClaimed();
  worker.host.failing.set('getPullRequest', hostError('github.unavailable')); // asked behind the move
  worker.host.failing.set('createPullRequest', hostError('github.rejected'));
  worker.host.pulls.push(aPullRequest({ headBranch: run.branch }));

  expect(await settled(run)).toMatchObject({ status: 'waiting_owner_review', prNumber: 12 });

  expect(worker.host.pulls).toHaveLength(1);
});

test('a pull request that someone else opened at the same moment is taken, not doubled', async () => {
  const run = await worker.aClaimed();
  worker.host.failing.set('createPullRequest', hostError('github.rejected'));
  worker.host.meanwhile.set('createPullRequest', () => worker.host.pulls.push(aPullRequest({ headBranch: run.branch })));

  expect(await settled(run)).toMatchObject({ status: 'waiting_owner_review', prNumber: 12 });
});

test('a pull request at another commit than the claimed one is not accepted', async () => {
  const run = await worker.aClaimed();
  worker.host.pulls.push(aPullRequest({ headBranch: run.branch, headSha: otherSha }));

  expect(await settled(run)).toMatchObject({ status: 'failed', failureCode: 'run.delivery_unconfirmed' });
});

test.each([
  ['closed', { state: 'closed', merged: false } as const, /#12 was closed/],
  ['merged in another state', { state: 'closed', merged: true, headSha: otherSha } as const, /#12 was merged/],
])('a rework whose pull request was %s meanwhile fails and opens no other', async (_, state, message) => {
  const run = await worker.aClaimed({}, { runKind: 'revise', set: { prNumber: 12 } });
  worker.host.pulls.push(aPullRequest({ headBranch: run.branch, ...state }));

  const { status, failureCode, failureMessage } = await settled(run);

  expect([status, failureCode]).toEqual(['failed', 'run.pull_request_closed']);
  expect(failureMessage).toMatch(message);
  expect(worker.host.pulls).toHaveLength(1);
});

test('a rework without any pull request fails', async () => {
  const run = await worker.aClaimed({}, { runKind: 'revise' });

  expect(await settled(run)).toMatchObject({ status: 'failed', failureCode: 'run.pull_request_closed' });
});

test('what a person closed after a crash is not opened a second time', async () => {
  const run = await worker.aClaimed({}, { set: { prNumber: 12 } });
  worker.host.pulls.push(aPullRequest({ headBranch: run.branch, state: 'closed' }));

  expect(await settled(run)).toMatchObject({ status: 'failed', failureCode: 'run.pull_request_closed' });

  expect(worker.host.pulls).toHaveLength(1);
});

test('closing the pull request while it is being delivered ends the run, although its event came too early', async () => {
  const run = await worker.aClaimed();
  worker.host.meanwhile.set('getPullRequest', () => Object.assign(worker.host.pulls[0] ?? {}, { state: 'closed' }));

  expect(await settled(run)).toMatchObject({ status: 'failed', failureCode: 'run.pull_request_closed' });

  expect(await stageOf(run)).toBe('failed');
});

test('merging the pull request while it is being delivered is the approval', async () => {
  const run = await worker.aClaimed();
  const merged = { state: 'closed', merged: true } as const;
  worker.host.meanwhile.set('getPullRequest', () => Object.assign(worker.host.pulls[0] ?? {}, merged));

  expect(await settled(run)).toMatchObject({ status: 'succeeded', failureCode: null, headSha });

  expect([await stageOf(run), await openRequests(run)]).toEqual(['approved', 0]);
});

test('a pull request that was merged before a repeated delivery is the approval too', async () => {
  const run = await worker.aClaimed({}, { set: { prNumber: 12 } });
  worker.host.pulls.push(aPullRequest({ headBranch: run.branch, state: 'closed', merged: true }));

  expect(await settled(run)).toMatchObject({ status: 'succeeded', prNumber: 12 });
});

test('a run without its report fails, however much it pushed', async () => {
  const run = await worker.aClaimed({}, { set: { report: null } });

  expect(await settled(run)).toMatchObject({ status: 'failed', failureCode: 'run.report_missing' });

  expect(worker.host.calls).toEqual([]);
});

test('the stage is recorded on the route of the project', async () => {
  const run = await settled(await worker.aClaimed({}, { settings: { profile: 'quick-fix' } }));

  expect(await getIssueStage(store.db, { repositoryId: run.repositoryId ?? '', issueNumber: 7 })).toMatchObject({
    profile: 'quick-fix',
    status: 'in_review',
  });
});

test('an attempt that a newer one replaced delivers nothing', async () => {
  const run = await worker.aClaimed();
  worker.host.meanwhile.set('createPullRequest', () => changeRun(store.db, { id: run.id, set: { attempt: 2 } }));

  expect(await settled(run)).toMatchObject({ status: 'running', attempt: 2, prNumber: null });
});
