import { randomUUID } from 'node:crypto';
import { aProject, aRepository, aRun, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { actionDigest, consumeLabelGrant, decideAction, requestAction } from './action-requests.ts';
import { lockIssue, lookUpDelivery, recordDelivery, type NewDelivery } from './deliveries.ts';
import { migrate, pendingMigrations } from './migrate.ts';
import { appendLog, expireLogs, getLogHead, readLog } from './run-logs.ts';
import { listRuns } from './run-lists.ts';
import { getSession, pinPrompt, saveSession } from './sessions.ts';
import { moveRun } from './runs.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
const project = await aProject(store);
const repository = await aRepository(store, project.id);
const actor = { type: 'human', id: 'ann' } as const;

function lines(...texts: string[]) {
  return texts.map((text) => ({ stream: 'agent', text, at: '2026-11-21T10:00:00Z' }));
}

test('a database that a later release has migrated is left as it is', async () => {
  await sql`insert into public.schema_migrations (name, checksum) values ('9999_later.sql', 'x')`.execute(store.db);

  expect([await migrate(store), await pendingMigrations(store)]).toEqual([[], []]);
});

test('migrating again does nothing, and an edited migration is refused', async () => {
  expect(await migrate(store)).toEqual([]);
  expect(await pendingMigrations(store)).toEqual([]);

  await sql`update public.schema_migrations set checksum = 'other' where name like '0001%'`.execute(store.db);
  await expect(migrate(store)).rejects.toThrow(expect.objectContaining({ code: 'config.invalid' }));
  await sql`delete from public.schema_migrations where name like '0003%'`.execute(store.db);
  expect(await pendingMigrations(store)).toHaveLength(1);
});

test('a log batch that is sent again is stored once, and lines are numbered over all attempts', async () => {
  const run = await aRun(store, { repository });
  const append = (attempt: number, seq: number, ...texts: string[]) =>
    appendLog(store.db, { runId: run.id, attempt, seq, lines: lines(...texts), maxBytes: 1000 });

  await Promise.all([append(1, 1, 'a', 'b'), append(1, 1, 'a', 'b'), append(1, 1, 'a', 'b')]);
  await append(2, 1, 'c');

  expect((await readLog(store.db, { runId: run.id, limit: 10 })).map(({ n, attempt, text }) => [n, attempt, text])).toEqual([
    [1, 1, 'a'],
    [2, 1, 'b'],
    [3, 2, 'c'],
  ]);
});

test('a log is read by tail, range and search, and says when it is full', async () => {
  const run = await aRun(store, { repository });
  await appendLog(store.db, { runId: run.id, attempt: 1, seq: 1, lines: lines('one', 'Two 100%', 'three'), maxBytes: 20 });

  expect(await appendLog(store.db, { runId: run.id, attempt: 1, seq: 2, lines: lines('too much for it'), maxBytes: 20 })).toBe(false);
  const texts = async (range: object) => (await readLog(store.db, { runId: run.id, limit: 10, ...range })).map(({ text }) => text);
  expect(await texts({ limit: 2 })).toEqual(['Two 100%', 'three']);
  expect(await texts({ after: 1, limit: 1 })).toEqual(['Two 100%']);
  expect(await texts({ before: 2 })).toEqual(['one']);
  expect(await texts({ search: 'two 100%' })).toEqual(['Two 100%']);
  expect(await texts({ search: '_' })).toEqual([]);
  expect(await getLogHead(store.db, run.id)).toEqual({ lines: 3, truncated: true, expired: false });
});

test('retention removes the lines of finished runs only and says so', async () => {
  const [done, open] = [await aRun(store, { repository }), await aRun(store, { repository })];
  for (const { id } of [done, open]) await appendLog(store.db, { runId: id, attempt: 1, seq: 1, lines: lines('x'), maxBytes: 100 });
  await moveRun(store.db, 'cancel', { id: done.id, actor });
  await sql`update audit.run_log_heads set updated_at = now() - interval '20 days'`.execute(store.db);

  expect(await expireLogs(store.db, { days: 14, limit: 100 })).toContain(done.id);

  expect(await getLogHead(store.db, done.id)).toMatchObject({ expired: true });
  expect(await readLog(store.db, { runId: open.id, limit: 1 })).toHaveLength(1);
});

test('asking for the same action again is one request, and one decision wins', async () => {
  const run = await aRun(store, { repository });
  const wanted = {
    correlationId: run.correlationId,
    runId: run.id,
    projectId: project.id,
    repositoryId: repository.id,
    toolName: 'owner_review',
    action: 'accept_delivery',
    target: { pr_number: 3, head_sha: 'abc' },
    requestedBy: { type: 'agent', id: 'dev' } as const,
    expiresInSec: 60,
  };
  const ask = (target = wanted.target) => store.db.transaction().execute((tx) => requestAction(tx, { ...wanted, target }));

  const [first, second, other] = [await ask(), await ask({ head_sha: 'abc', pr_number: 3 }), await ask({ pr_number: 3, head_sha: 'def' })];
  const decisions = await Promise.all(
    ['applied', 'denied', 'applied'].map((state) => decideAction(store.db, { id: first.request.id, state: state as 'applied', actor })),
  );

  expect([first.isNew, second.isNew, other.isNew]).toEqual([true, false, true]);
  expect(second.request.id).toBe(first.request.id);
  expect(first.request.digest).toBe(actionDigest(wanted));
  expect(decisions.filter(Boolean)).toHaveLength(1);
});

test('an expired request cannot be approved any more', async () => {
  const run = await aRun(store, { repository });
  const { request } = await store.db.transaction().execute((tx) =>
    requestAction(tx, {
      correlationId: run.correlationId,
      runId: run.id,
      projectId: project.id,
      repositoryId: undefined,
      toolName: 't',
      action: 'a',
      target: {},
      requestedBy: actor,
      expiresInSec: -1,
    }),
  );

  expect(await decideAction(store.db, { id: request.id, state: 'applied', actor })).toBeUndefined();
  expect(await decideAction(store.db, { id: request.id, state: 'expired', actor })).toMatchObject({ state: 'expired' });
});

test('a label grant is used up by exactly one delivery', async () => {
  const place = { repositoryId: repository.id, issueNumber: 77 };
  const { request } = await store.db.transaction().execute((tx) =>
    requestAction(tx, {
      correlationId: randomUUID(),
      runId: undefined,
      projectId: project.id,
      ...place,
      toolName: 'github_labels_add',
      action: 'label_apply',
      target: { label: 'run:dev' },
      requestedBy: actor,
      expiresInSec: 60,
    }),
  );
  const consume = (label: string) => store.db.transaction().execute((tx) => consumeLabelGrant(tx, { ...place, label }));

  expect(await consume('run:dev')).toBeUndefined();
  await decideAction(store.db, { id: request.id, state: 'applied', actor });
  expect(await consume('run:qa')).toBeUndefined();
  const used = [await consume('RUN:dev'), await consume('run:dev')];

  expect(used.map((grant) => grant?.id)).toEqual([request.id, undefined]);
});

test('a delivery is known by its id for ever and by its body within the window', async () => {
  const delivery: NewDelivery = {
    deliveryId: randomUUID(),
    bodySha256: randomUUID(),
    eventType: 'issues',
    action: 'opened',
    repositoryFullName: 'acme/shop',
    result: 'accepted',
    reason: null,
    runId: null,
    repositoryId: null,
    issueNumber: 7,
    needsAnswer: false,
    details: {},
  };
  const stranger = { deliveryId: 'other', bodySha256: 'other', eventType: 'issues', windowSec: 300, repositoryId: undefined };
  const find = (question: object) =>
    store.db.transaction().execute(async (tx) => (await lookUpDelivery(tx, { ...stranger, ...question })).known);
  const record = () => store.db.transaction().execute((tx) => recordDelivery(tx, delivery, { projectId: undefined, actor, payload: {} }));

  expect([await record(), await record()]).toEqual([true, false]);
  const { rows } = await sql`select event_type, run_id from audit.flow_events where correlation_id = ${delivery.deliveryId}`.execute(
    store.db,
  );
  expect(rows).toEqual([{ eventType: 'webhook.received', runId: null }]);
  expect(await find({ deliveryId: delivery.deliveryId })).toBeDefined();
  expect(await find({ bodySha256: delivery.bodySha256 })).toBeDefined();
  expect(await find({ bodySha256: delivery.bodySha256, eventType: 'push' })).toBeUndefined();
  await sql`update core.webhook_deliveries set received_at = now() - interval '1 hour'`.execute(store.db);
  expect(await find({ bodySha256: delivery.bodySha256 })).toBeUndefined();
  expect(await find({ deliveryId: delivery.deliveryId })).toBeDefined();
});

test('transactions that lock the same issues in any order do not wait for each other in a circle', async () => {
  const places = Array.from({ length: 20 }, (_, issueNumber) => ({ repository: 'acme/shop', issueNumber }));
  const lockAll = (n: number) =>
    store.db.transaction().execute((tx) => Promise.all((n % 2 === 0 ? places : places.toReversed()).map((place) => lockIssue(tx, place))));

  const locked = await Promise.all(Array.from({ length: 10 }, (_, n) => lockAll(n)));

  expect(locked.map(({ length }) => length)).toEqual(Array.from({ length: 10 }, () => 20));
});

test('an older attempt does not overwrite the session, and a pinned prompt stays', async () => {
  const run = await aRun(store, { repository });
  const save = (attempt: number, snapshot: string) =>
    saveSession(store.db, { runId: run.id, attempt, program: 'trial', turns: 1, snapshot });
  const pin = (prompt: string) =>
    pinPrompt(store.db, { runId: run.id, kind: 'work', source: 'repo_seed', locale: 'en', hash: prompt, prompt });

  expect([await save(2, 'new'), await save(1, 'old')]).toEqual([true, false]);
  expect((await getSession(store.db, run.id))?.snapshot).toBe('new');
  expect([await pin('first'), await pin('second')]).toEqual([
    { prompt: 'first', isNew: true },
    { prompt: 'first', isNew: false },
  ]);
});

test('runs are paged without gaps and repeats, and strangers see none', async () => {
  const own = await aRepository(store, (await aProject(store)).id);
  const ids = new Set<string>();
  for (let n = 0; n < 7; n += 1) ids.add((await aRun(store, { repository: own })).id);
  const admin = { userId: randomUUID(), email: 'a@example.com', githubLogin: undefined, isPlatformAdmin: true, isPlatformOwner: false };
  const seen: string[] = [];
  let before: { createdAt: string; id: string } | undefined;

  for (;;) {
    const page = await listRuns(store.db, { actor: admin, projectId: own.projectId, limit: 3, before });
    seen.push(...page.map(({ id }) => id));
    const last = page.at(-1);
    if (!last) break;
    before = { createdAt: last.createdAt.toISOString(), id: last.id };
  }

  expect(seen).toHaveLength(7);
  expect(new Set(seen)).toEqual(ids);
  expect(await listRuns(store.db, { actor: { ...admin, isPlatformAdmin: false }, limit: 10 })).toEqual([]);
});
