import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { listRunEvents, moveRun } from '@codex-k8s/store';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { labeled, startTestControlPlane } from '../testing/control-plane.ts';

const plane = await startTestControlPlane();
afterAll(() => plane[Symbol.asyncDispose]());
const { db } = plane.context.store;

async function countRuns(repositoryId: string): Promise<number> {
  const { rows } = await sql<{
    count: number;
  }>`select count(*)::int as count from core.agent_runs where repository_id = ${repositoryId}`.execute(db);
  return rows[0]?.count ?? 0;
}

test('a label of the owner becomes one run with its events', async () => {
  const bound = await plane.aBoundRepository();

  const answer = await plane.deliver('issues', labeled(bound));

  expect(answer.statusCode).toBe(202);
  expect(answer.json()).toMatchObject({ status: 'accepted', run_id: expect.any(String) });
  const events = await listRunEvents(db, { runId: answer.json().run_id, after: 0, limit: 10 });
  expect(events.map(({ eventType }) => eventType)).toEqual(['run.enqueued', 'stage.transition', 'webhook.received']);
});

test('a redelivered webhook creates no second run and says so', async () => {
  const bound = await plane.aBoundRepository();
  const delivery = { delivery_id: randomUUID() };

  const [first, second] = [
    await plane.deliver('issues', labeled(bound), delivery),
    await plane.deliver('issues', labeled(bound), delivery),
  ];

  expect(second.statusCode).toBe(200);
  expect(second.json()).toEqual({ status: 'duplicate', duplicate: true, run_id: first.json().run_id });
  expect(await countRuns(bound.repository.id)).toBe(1);
});

test('the same body under another id within the window is a repetition', async () => {
  const bound = await plane.aBoundRepository();
  const delivery = { body_sha256: 'ab'.repeat(32) };

  await plane.deliver('issues', labeled(bound), delivery);
  const again = await plane.deliver('issues', labeled(bound), delivery);

  expect(again.json()).toMatchObject({ status: 'duplicate' });
  expect(await countRuns(bound.repository.id)).toBe(1);
});

test('of ten deliveries for one issue at once one starts a run', async () => {
  const bound = await plane.aBoundRepository();

  const answers = await Promise.all(Array.from({ length: 10 }, () => plane.deliver('issues', labeled(bound))));

  const statuses = answers.map((answer): string => answer.json().reason ?? answer.json().status).toSorted();
  expect(statuses).toEqual(['accepted', ...Array.from({ length: 9 }, () => 'active_run_exists')]);
  expect(await countRuns(bound.repository.id)).toBe(1);
});

test.each([
  ['a bot', { senderType: 'Bot' as const }, 'sender_type_bot_not_permitted', true],
  ['two trigger labels', { labels: ['run:dev', 'run:qa'] }, 'issue_trigger_label_conflict', true],
  ['a closed issue', { state: 'closed' as const }, 'issue_closed', true],
  ['an unknown login', { githubUserId: 1 }, 'sender_not_allowed', true],
  ['a stage that is not built', { label: 'run:qa' }, 'stage_not_available', true],
])('%s is recorded, refused and, where people should hear of it, answered', async (_, change, reason, isAnswered) => {
  const bound = await plane.aBoundRepository();

  const answer = await plane.deliver('issues', labeled({ ...bound, ...change }));

  expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'ignored', reason }]);
  const { rows } = await sql<{
    needsAnswer: boolean;
  }>`select needs_answer from core.webhook_deliveries where repository_id = ${bound.repository.id}`.execute(db);
  expect(rows).toEqual([{ needsAnswer: isAnswered }]);
});

test('a member who may only read starts nothing', async () => {
  const bound = await plane.aBoundRepository('read');

  expect((await plane.deliver('issues', labeled(bound))).json()).toEqual({ status: 'ignored', reason: 'sender_role_not_permitted' });
});

test('an unknown event and an unbound repository are recorded with the reason', async () => {
  const bound = await plane.aBoundRepository();

  expect((await plane.deliver('deployment', labeled(bound))).json()).toEqual({ status: 'ignored', reason: 'unknown_event' });
  expect((await plane.deliver('issues', labeled({ ...bound, repository: { ...bound.repository, externalId: 1 } }))).json()).toEqual({
    status: 'ignored',
    reason: 'repository_not_bound',
  });
});

test('closing the issue cancels its unfinished run', async () => {
  const bound = await plane.aBoundRepository();
  const { run_id: id } = (await plane.deliver('issues', labeled(bound))).json();

  await plane.deliver('issues', { ...labeled(bound), action: 'closed' });

  const { rows } = await sql<{
    status: string;
    failureCode: string;
  }>`select status, failure_code from core.agent_runs where id = ${id}`.execute(db);
  expect(rows).toEqual([{ status: 'cancelled', failureCode: 'run.issue_closed' }]);
});

test('a label that is told of again after the issue was closed starts nothing, and one set after it was reopened does', async () => {
  const bound = await plane.aBoundRepository();
  const labeledAt = (second: number): object => labeled({ ...bound, at: `2026-01-01T00:00:0${second}Z` });

  await plane.deliver('issues', { ...labeledAt(2), action: 'closed' });
  const late = await plane.deliver('issues', labeledAt(1));
  await plane.deliver('issues', { ...labeledAt(3), action: 'reopened' });
  await plane.deliver('issues', { ...labeledAt(2), action: 'closed' }, { body_sha256: 'cd'.repeat(32) });
  const tooLate = await plane.deliver('issues', labeledAt(1));
  const again = await plane.deliver('issues', labeledAt(4));

  expect(late.json()).toEqual({ status: 'ignored', reason: 'issue_closed' });
  expect(tooLate.json()).toEqual({ status: 'ignored', reason: 'issue_closed' });
  expect(again.json()).toMatchObject({ status: 'accepted' });
});

async function inReview(bound: Awaited<ReturnType<typeof plane.aBoundRepository>>): Promise<string> {
  const { run_id: id } = (await plane.deliver('issues', labeled(bound))).json();
  const actor = { type: 'system', id: 'test' } as const;
  await moveRun(db, 'start', { id, actor });
  await moveRun(db, 'awaitOwner', { id, actor, set: { prNumber: 12, headSha: 'c0ffee' } });
  return id;
}

function review(bound: Awaited<ReturnType<typeof plane.aBoundRepository>>, state: string, commit = 'c0ffee'): object {
  const { repository, sender } = labeled(bound) as { repository: object; sender: object };
  return {
    action: 'submitted',
    repository,
    sender,
    review: { id: 1, state, body: 'Please rename it.', commit_id: commit },
    pull_request: { number: 12, html_url: 'https://host.example/pull/12' },
  };
}

test("an approving review closes the run's record and offers the next step", async () => {
  const bound = await plane.aBoundRepository();
  const id = await inReview(bound);

  await plane.deliver('pull_request_review', review(bound, 'approved'));

  const events = await listRunEvents(db, { runId: id, after: 0, limit: 50 });
  expect(events.map(({ eventType }) => eventType)).toEqual(expect.arrayContaining(['run.succeeded', 'stage.next.offered']));
  expect(events.find(({ eventType }) => eventType === 'stage.next.offered')?.payload).toEqual({
    label: 'run:qa',
    stage: 'qa',
    available: false,
  });
});

test('a review that requests changes starts one revise run on the same branch and pull request', async () => {
  const bound = await plane.aBoundRepository();
  const id = await inReview(bound);

  const answer = (await plane.deliver('pull_request_review', review(bound, 'changes_requested'))).json();

  const { rows } =
    await sql`select parent_run_id, run_kind, trigger_kind, pr_number, branch, status from core.agent_runs where id = ${answer.run_id}`.execute(
      db,
    );
  expect(rows).toEqual([
    { parentRunId: id, runKind: 'revise', triggerKind: 'dev_revise', prNumber: 12, branch: 'codex/issue-7', status: 'pending' },
  ]);
});

test('a review of another commit, or by a stranger, decides nothing', async () => {
  const bound = await plane.aBoundRepository();
  await inReview(bound);

  expect((await plane.deliver('pull_request_review', review(bound, 'approved', 'other'))).json()).toMatchObject({
    reason: 'review_of_other_commit',
  });
  expect((await plane.deliver('pull_request_review', review({ ...bound, githubUserId: 3 }, 'approved'))).json()).toMatchObject({
    reason: 'sender_not_allowed',
  });
});

test("none of GitHub's example payloads breaks anything or starts a run", async () => {
  const path = createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json');
  const definitions = JSON.parse(readFileSync(path, 'utf8')) as { name: string; examples: object[] }[]; // the package's own format
  const before = await sql<{ count: number }>`select count(*)::int as count from core.agent_runs`.execute(db);

  const answers = [];
  for (const { name, examples } of definitions)
    for (const example of examples) answers.push({ name, status: (await plane.deliver(name, example)).statusCode });

  expect(answers.length).toBeGreaterThan(250);
  expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
  const after = await sql<{ count: number }>`select count(*)::int as count from core.agent_runs`.execute(db);
  expect(after.rows).toEqual(before.rows);
});
