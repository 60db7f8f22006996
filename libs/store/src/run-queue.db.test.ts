import { aProject, aRepository, aRun, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { adoptRuns, claimPendingRuns, nextAttempt, releaseSlots, renewLeases } from './run-queue.ts';
import { getRun, moveRun, recordSignOfLife, type Run } from './runs.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(() => sql`truncate core.projects cascade`.execute(store.db));
const actor = { type: 'system', id: 'worker' } as const;
const many = { policy: { max_parallel_runs: 100 } };

async function claim(owner = 'w1', leaseSec = 60): Promise<Run | undefined> {
  const { value } = await claimPendingRuns(store.db, { owner, leaseSec, slotsPerProject: 2 }).next();
  return value ?? undefined;
}

async function aRepo(settings = {}): Promise<Awaited<ReturnType<typeof aRepository>>> {
  return aRepository(store, (await aProject(store, { settings })).id);
}

test('twenty claims at once never break the limit of the project', async () => {
  const repository = await aRepo({ max_parallel_runs: 3 });
  for (let n = 0; n < 10; n += 1) await aRun(store, { repository, ...many });

  const claimed = await Promise.all(Array.from({ length: 20 }, (_, n) => claim(`w${n}`)));

  const ids = claimed.flatMap((run) => (run ? [run.id] : []));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeLessThanOrEqual(3);
  while (await claim()) void 0;
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from core.agent_runs where lease_until > now()`.execute(
    store.db,
  );
  expect(rows[0]?.count).toBe(3);
});

test('twenty claims at once never break the limit of the role', async () => {
  const repository = await aRepo({ max_parallel_runs: 50 });
  for (let n = 0; n < 10; n += 1) await aRun(store, { repository, policy: { max_parallel_runs: 2 } });

  await Promise.all(Array.from({ length: 20 }, (_, n) => claim(`w${n}`)));
  while (await claim()) void 0;

  const { rows } = await sql<{ count: number }>`select count(*)::int as count from core.agent_runs where lease_until > now()`.execute(
    store.db,
  );
  expect(rows[0]?.count).toBe(2);
});

test('a full project and a full role do not hold up the others (NFR-009)', async () => {
  const [full, other] = [await aRepo({ max_parallel_runs: 1 }), await aRepo({ max_parallel_runs: 5 })];
  await aRun(store, { repository: full, ...many });
  const waiting = await aRun(store, { repository: full, ...many });
  await claim();
  const dev = await aRun(store, { repository: other, policy: { max_parallel_runs: 1 } });
  const queuedDev = await aRun(store, { repository: other, policy: { max_parallel_runs: 1 } });
  const reviewer = await aRun(store, { repository: other, agentKey: 'reviewer', runKind: 'review', ...many });

  const claimed = [await claim(), await claim(), await claim()].map((run) => run?.id);

  expect(new Set(claimed)).toEqual(new Set([dev.id, reviewer.id, undefined]));
  expect((await getRun(store.db, waiting.id))?.pendingReason).toBe('project_limit');
  expect((await getRun(store.db, queuedDev.id))?.pendingReason).toBe('role_limit');
});

test('the oldest run of all projects that have room is claimed first', async () => {
  const runs = [];
  for (let n = 0; n < 4; n += 1) runs.push(await aRun(store, { repository: await aRepo(), ...many }));

  const claimed = [await claim(), await claim(), await claim(), await claim()];

  expect(claimed.map((run) => run?.id)).toEqual(runs.map(({ id }) => id));
});

test('a claim whose worker died before the start is claimed again as the next attempt', async () => {
  const run = await aRun(store, { repository: await aRepo(), ...many });
  await claim('dead', 1);
  await sql`update core.agent_runs set lease_until = now() - interval '1 second'`.execute(store.db);
  await sql`update core.slots set lease_until = now() - interval '1 second'`.execute(store.db);

  const again = await claim('alive');

  expect(again).toMatchObject({ id: run.id, attempt: 2, leaseOwner: 'alive' });
});

test('a started run is adopted by one other worker, and only after its lease has ended', async () => {
  const run = await aRun(store, { repository: await aRepo(), ...many });
  await claim('w1');
  await moveRun(store.db, 'start', { id: run.id, actor });

  expect(await adoptRuns(store.db, { owner: 'w2', leaseSec: 60 })).toEqual([]);
  await sql`update core.agent_runs set lease_until = now() - interval '1 second'`.execute(store.db);
  const adopted = await Promise.all(['w2', 'w3', 'w4'].map((owner) => adoptRuns(store.db, { owner, leaseSec: 60 })));

  expect(adopted.flat().map(({ id }) => id)).toEqual([run.id]);
  expect(await renewLeases(store.db, { owner: 'w1', leaseSec: 60 })).toEqual([]);
});

test('a lease is extended when a third of its time is over, together with that of its slot', async () => {
  const run = await aRun(store, { repository: await aRepo(), ...many });
  await claim('w1');
  await moveRun(store.db, 'start', { id: run.id, actor });
  const renew = (): Promise<string[]> => renewLeases(store.db, { owner: 'w1', leaseSec: 60 });

  expect(await renew()).toEqual([]);
  await sql`update core.agent_runs set lease_until = now() + interval '39 seconds'`.execute(store.db);
  expect(await renew()).toEqual([run.id]);

  const { rows } = await sql<{ sec: number }>`select extract(epoch from lease_until - now())::int as sec from core.agent_runs
    union all select extract(epoch from lease_until - now())::int from core.slots where run_id = ${run.id}`.execute(store.db);
  expect(rows.map(({ sec }) => sec)).toEqual([60, 60]);
});

test('runs that are claimed one after the other are as many as there is room for, the oldest first', async () => {
  const repository = await aRepo({ max_parallel_runs: 11 });
  const runs = [];
  for (let n = 0; n < 13; n += 1) runs.push(await aRun(store, { repository, ...many }));

  const claimed = await Array.fromAsync(claimPendingRuns(store.db, { owner: 'w1', leaseSec: 60, slotsPerProject: 2 }));

  expect(claimed.map(({ id }) => id)).toEqual(runs.slice(0, 11).map(({ id }) => id));
});

test('the next attempt fences the one before', async () => {
  const run = await aRun(store, { repository: await aRepo(), ...many });
  await claim('w1');
  await moveRun(store.db, 'start', { id: run.id, actor, attempt: 1 });

  const next = await nextAttempt(store.db, { id: run.id, owner: 'w1', attempt: 1, isLoss: true });

  expect(next?.attempt).toBe(2);
  expect(await nextAttempt(store.db, { id: run.id, owner: 'w1', attempt: 1, isLoss: true })).toBeUndefined();
  expect(await moveRun(store.db, 'fail', { id: run.id, actor, attempt: 1, failure: { code: 'internal', message: '' } })).toBeUndefined();
});

test('a slot is free again when its run waits for the owner or is over', async () => {
  const repository = await aRepo({ max_parallel_runs: 1 });
  const first = await aRun(store, { repository, ...many });
  await aRun(store, { repository, ...many });
  await claim();
  await moveRun(store.db, 'start', { id: first.id, actor });

  expect([await releaseSlots(store.db), await claim()]).toEqual([0, undefined]);
  await moveRun(store.db, 'awaitOwner', { id: first.id, actor });

  expect(await releaseSlots(store.db)).toBe(1);
  expect(await claim()).toBeDefined();
});

test('what is written of every working run every few seconds touches no index', async () => {
  const { rows } = await sql<{ indexdef: string }>`
    select indexdef from pg_indexes where schemaname = 'core' and tablename in ('agent_runs', 'slots')`.execute(store.db);

  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter(({ indexdef }) => /heartbeat_at|lease_until/.test(indexdef))).toEqual([]);
  const run = await aRun(store, { repository: await aRepo() });
  await recordSignOfLife(store.db, { id: run.id, attempt: run.attempt });
  const after = await getRun(store.db, run.id);
  expect(after).toEqual({ ...run, heartbeatAt: expect.any(Date) });
});
