import { listRunEvents, lockIssue, recordDelivery } from '@codex-k8s/store';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { aDelivery, labeled, startTestControlPlane, type Answered } from '../testing/control-plane.ts';

const plane = await startTestControlPlane();
afterAll(() => plane[Symbol.asyncDispose]());
const { db, kind } = plane.context.store;
type Bound = Awaited<ReturnType<typeof plane.aBoundRepository>>;

function ofIssues(bound: Bound, numbers: readonly number[]) {
  return numbers.map((number) => aDelivery('issues', labeled({ ...bound, number })));
}

interface Stored {
  readonly deliveries: number;
  readonly runs: number;
  readonly events: number;
  /** Transactions that created the runs. */
  readonly transactions: number;
}

async function stored({ repository }: Bound): Promise<Stored | undefined> {
  const { rows } = await sql<Stored>`
    select (select count(*)::int from core.webhook_deliveries where repository_id = ${repository.id}) as deliveries,
      (select count(*)::int from audit.flow_events where project_id = ${repository.projectId}) as events,
      count(*)::int as runs, count(distinct xmin::text)::int as transactions from core.agent_runs where repository_id = ${repository.id}`.execute(
    db,
  );
  return rows[0];
}

function said(answers: readonly Answered[]): unknown[] {
  return answers.map(({ statusCode, json }) => json().code ?? json().reason ?? [statusCode, json().status]);
}

test('deliveries of many issues at once are stored in one transaction, each with its run and events', async () => {
  const bound = await plane.aBoundRepository();
  const numbers = Array.from({ length: 40 }, (_, n) => n + 1);

  const answers = await plane.deliverAll(ofIssues(bound, numbers));

  expect(await stored(bound)).toEqual({ deliveries: 40, runs: 40, events: 120, transactions: 1 });
  for (const [n, answer] of answers.entries()) {
    const { rows } = await sql<{
      issueNumber: number;
    }>`select issue_number from core.agent_runs where id = ${answer.json().run_id}`.execute(db);
    expect(rows).toEqual([{ issueNumber: numbers[n] }]);
    const events = await listRunEvents(db, { runId: answer.json().run_id, after: 0, limit: 10 });
    expect(events.map(({ eventType }) => eventType)).toEqual(['run.enqueued', 'stage.transition', 'webhook.received']);
  }
});

test('deliveries of one issue are decided one after another in their order', async () => {
  const bound = await plane.aBoundRepository();
  const [open, close, again] = [labeled(bound), { ...labeled(bound), action: 'closed' }, labeled(bound)];

  const answers = await plane.deliverAll([open, open, close, again, again].map((body) => aDelivery('issues', body)));

  expect(said(answers)).toEqual([[202, 'accepted'], 'active_run_exists', [202, 'accepted'], [202, 'accepted'], 'active_run_exists']);
  const { rows } = await sql`select status from core.agent_runs where repository_id = ${bound.repository.id} order by created_at`.execute(
    db,
  );
  expect(rows).toEqual([{ status: 'cancelled' }, { status: 'pending' }]);
});

test('two equal deliveries at once are one, by their id and by their body', async () => {
  const bound = await plane.aBoundRepository();
  const [first] = ofIssues(bound, [1]);
  if (!first) throw new Error('no delivery');

  const answers = await plane.deliverAll([first, first, { ...first, delivery: { ...first.delivery, delivery_id: 'another-id' } }]);

  const run_id = answers[0]?.json().run_id;
  expect(answers.slice(1).map((answer) => [answer.statusCode, answer.json()])).toEqual(
    Array.from({ length: 2 }, () => [200, { status: 'duplicate', duplicate: true, run_id }]),
  );
  expect(await stored(bound)).toMatchObject({ deliveries: 1, runs: 1 });
});

test('a delivery that cannot be read is refused alone', async () => {
  const bound = await plane.aBoundRepository();
  const [first, last] = ofIssues(bound, [1, 2]);
  if (!first || !last) throw new Error('no deliveries');
  const broken = ['{"action":', '', '[]', '{"issue":{"number":"seven"}}'].map((body) => aDelivery('issues', body));

  const answers = await plane.deliverAll([first, ...broken, last]);

  expect(said(answers)).toEqual([[202, 'accepted'], ...broken.map(() => 'request.malformed'), [202, 'accepted']]);
  expect(answers[1]?.json()).toMatchObject({ correlation_id: broken[0]?.delivery.delivery_id, remedy: expect.any(String) });
  expect(await stored(bound)).toMatchObject({ deliveries: 2, runs: 2 });
});

test('a request whose sizes do not add up is refused whole: nobody can say whose the bytes are', async () => {
  const bound = await plane.aBoundRepository();
  const [first, last] = ofIssues(bound, [1, 2]);
  if (!first || !last) throw new Error('no deliveries');

  const answers = await plane.deliverAll([{ ...first, body: first.body.subarray(1) }, last]);

  expect(said(answers)).toEqual(['request.invalid', 'request.invalid']);
  expect(await stored(bound)).toMatchObject({ deliveries: 0, runs: 0 });
});

test('a delivery that cannot be stored fails alone, and the others of its batch are stored', async () => {
  const bound = await plane.aBoundRepository();
  const [first, last] = ofIssues(bound, [1, 3]);
  if (!first || !last) throw new Error('no deliveries');
  const nul = labeled({ ...bound, number: 2, label: 'no\u0000text' });

  const answers = await plane.deliverAll([first, aDelivery('issues', nul), last]);

  expect(said(answers)).toEqual([[202, 'accepted'], 'internal', [202, 'accepted']]);
  expect(await stored(bound)).toEqual({ deliveries: 2, runs: 2, events: 6, transactions: 2 });
});

test('a delivery id that another transaction takes at this moment is a repetition, and harms no other', async () => {
  const bound = await plane.aBoundRepository();
  const [taken, other] = ofIssues(bound, [1, 2]);
  if (!taken || !other) throw new Error('no deliveries');
  const { promise: isRecorded, resolve: recorded } = Promise.withResolvers<void>();
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const theirs = db.transaction().execute(async (tx) => {
    await recordDelivery(tx, { ...stranger, deliveryId: taken.delivery.delivery_id }, { projectId: undefined, actor, payload: {} });
    recorded();
    if (kind === 'postgresql') await isOver; // PGlite has one connection: ours begins after theirs
  });
  await isRecorded;

  const sent = plane.deliverAll([taken, other]);
  if (kind === 'postgresql') await expect.poll(waiting).toBe(1);
  end();
  await theirs;

  expect(said(await sent)).toEqual([
    [200, 'duplicate'],
    [202, 'accepted'],
  ]);
  expect(await stored(bound)).toMatchObject({ deliveries: 1, runs: 1 });
});

test.skipIf(kind === 'pglite')('a database that goes away in mid batch leaves nothing of it, and none is taken for accepted', async () => {
  const bound = await plane.aBoundRepository();
  const { owner, name } = bound.repository;
  const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>();
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const holder = db.transaction().execute(async (tx) => {
    await lockIssue(tx, { repository: `${owner}/${name}`, issueNumber: 3 });
    hold();
    await isOver;
  });
  await isHeld;
  const deliveries = ofIssues(bound, [1, 2, 3, 4]);

  const sent = plane.deliverAll(deliveries);
  await expect.poll(waiting).toBe(1);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`.execute(
    db,
  );
  const answers = await sent;
  end();
  await holder;

  expect(said(answers)).toEqual(deliveries.map(() => 'database.unavailable'));
  expect(await stored(bound)).toMatchObject({ deliveries: 0, runs: 0, events: 0 });
  expect(said(await plane.deliverAll(deliveries))).toEqual(deliveries.map(() => [202, 'accepted']));
});

const actor = { type: 'system', id: 'test' } as const;
const stranger = {
  bodySha256: 'of another body',
  eventType: 'push',
  action: null,
  repositoryFullName: null,
  result: 'accepted',
  reason: null,
  runId: null,
  repositoryId: null,
  issueNumber: null,
  needsAnswer: false,
  details: {},
} as const;

/** Statements of this database that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`.execute(db);
  return rows[0]?.count ?? 0;
}
