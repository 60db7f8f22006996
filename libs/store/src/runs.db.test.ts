import { aProject, aRepository, aRun, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { listRunEvents, recordEvent, recordEventsOfRuns } from './flow-events.ts';
import { createRunOnce, getRun, moveRun } from './runs.ts';
import { getSession } from './sessions.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
const repository = await aRepository(store, (await aProject(store)).id);
const actor = { type: 'system', id: 'worker' } as const;

test('of twenty that start a run at once one wins, and the run has one start event', async () => {
  const run = await aRun(store, { repository });

  const moves = await Promise.all(Array.from({ length: 20 }, () => moveRun(store.db, 'start', { id: run.id, actor })));

  expect(moves.filter(Boolean)).toHaveLength(1);
  const events = await listRunEvents(store.db, { runId: run.id, after: 0, limit: 100 });
  expect(events.map(({ eventType }) => eventType)).toEqual(['run.enqueued', 'run.started']);
});

test('what begins a run wakes nobody, what moves it wakes its followers', async () => {
  const keys: string[] = [];
  const woken = Promise.withResolvers<void>();
  await store.listen('codexk8s', (key) => {
    keys.push(key);
    if (key.startsWith('event:')) woken.resolve();
  });
  const run = await aRun(store, { repository });

  await moveRun(store.db, 'start', { id: run.id, actor });
  await woken.promise;

  expect(keys.filter((key) => key === `event:${run.id}`)).toHaveLength(1);
});

test('a run is created with its session, and a second one of its issue leaves nothing behind', async () => {
  const run = await aRun(store, { repository, issueNumber: 4_711 });

  await expect(aRun(store, { repository, issueNumber: 4_711 })).rejects.toThrow('run was not created');

  expect(await getSession(store.db, run.id)).toMatchObject({ correlationId: run.correlationId, branchName: run.branch, agentKey: 'dev' });
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from audit.agent_sessions where repository_full_name = ${run.repositoryFullName} and issue_number = 4711`.execute(
    store.db,
  );
  expect(rows).toEqual([{ count: 1 }]);
});

test('a move the table does not have changes nothing and records nothing', async () => {
  const run = await aRun(store, { repository });
  await moveRun(store.db, 'cancel', { id: run.id, actor });
  const before = await listRunEvents(store.db, { runId: run.id, after: 0, limit: 100 });

  const moved = await moveRun(store.db, 'start', { id: run.id, actor });

  expect(moved).toBeUndefined();
  expect(await listRunEvents(store.db, { runId: run.id, after: 0, limit: 100 })).toEqual(before);
});

test('an older attempt cannot move the run', async () => {
  const run = await aRun(store, { repository });

  expect(await moveRun(store.db, 'start', { id: run.id, actor, attempt: 7 })).toBeUndefined();
  expect((await getRun(store.db, run.id))?.status).toBe('pending');
});

test('waiting for a tool call stops the clock and resuming goes on with what was left (NFR-012)', async () => {
  const run = await aRun(store, { repository, policy: { run_timeout_sec: 600 } });
  await moveRun(store.db, 'start', { id: run.id, actor });

  const waiting = await moveRun(store.db, 'awaitTool', { id: run.id, actor });
  const resumed = await moveRun(store.db, 'resume', { id: run.id, actor });

  expect(waiting).toMatchObject({ status: 'waiting_mcp', timeoutAt: null, waitReason: 'mcp' });
  expect(waiting?.timeoutRemainingSec).toBeGreaterThan(590);
  expect(resumed?.waitReason).toBeNull();
  expect(Math.abs((resumed?.timeoutAt?.getTime() ?? 0) - Date.now() - 600_000)).toBeLessThan(15_000);
});

test('a failed run says why', async () => {
  const run = await aRun(store, { repository });

  const failed = await moveRun(store.db, 'fail', { id: run.id, actor, failure: { code: 'run.agent_crashed', message: 'gone' } });

  expect(failed).toMatchObject({ status: 'failed', failureCode: 'run.agent_crashed', failureMessage: 'gone' });
  await expect(sql`update core.agent_runs set failure_code = null where id = ${run.id}`.execute(store.db)).rejects.toThrow(/check/);
});

test('an issue has one active stage run, whoever asks at once', async () => {
  const { createdAt: _, id: __, runPayload, policy, ...row } = await aRun(store, { repository });
  await sql`delete from core.agent_runs where id = ${__}`.execute(store.db);
  const create = (n: number) =>
    store.db.transaction().execute((tx) =>
      createRunOnce(tx, {
        correlationId: `${row.correlationId}-${n}`,
        projectId: row.projectId,
        repositoryId: row.repositoryId,
        repositoryFullName: row.repositoryFullName,
        agentId: row.agentId,
        agentKey: row.agentKey,
        program: row.program,
        model: row.model,
        reasoningEffort: row.reasoningEffort,
        runKind: 'work',
        triggerKind: 'dev',
        triggeredBy: 'tester',
        issueNumber: row.issueNumber,
        baseBranch: 'main',
        branch: row.branch,
        actor,
        payload: runPayload as object,
        policy: policy as object,
      }),
    );

  const created = await Promise.all(Array.from({ length: 10 }, (_unused, n) => create(n)));

  expect(created.filter(Boolean)).toHaveLength(1);
});

test('what is on record cannot be changed or removed', async () => {
  const run = await aRun(store, { repository });

  await expect(sql`update audit.flow_events set actor_id = 'eve' where run_id = ${run.id}`.execute(store.db)).rejects.toThrow(
    /append-only/,
  );
  await expect(sql`delete from audit.flow_events where run_id = ${run.id}`.execute(store.db)).rejects.toThrow(/append-only/);
});

test('an event with a key is recorded once', async () => {
  const run = await aRun(store, { repository });
  const event = { type: 'run.branch.pushed', correlationId: run.correlationId, runId: run.id, actor, key: '1/push' } as const;

  expect([await recordEvent(store.db, event), await recordEvent(store.db, event)]).toEqual([true, false]);
});

test('of events of several runs each is recorded once, and those of unknown runs are left out', async () => {
  const runs = [await aRun(store, { repository }), await aRun(store, { repository })];
  const unknown = '00000000-0000-4000-8000-000000000000';
  const events = [...runs.map(({ id }) => id), unknown].map(
    (runId, n) => ({ runId, type: 'run.cluster.event', actor, key: `cluster/${n}`, payload: { n } }) as const,
  );

  const recorded = [await recordEventsOfRuns(store.db, [...events, ...events]), await recordEventsOfRuns(store.db, events)];

  expect(recorded).toEqual([2, 0]);
  for (const [n, { id, correlationId, projectId }] of runs.entries()) {
    const found = (await listRunEvents(store.db, { runId: id, after: 0, limit: 10 })).filter(({ eventKey }) => eventKey !== null);
    expect(found).toMatchObject([{ correlationId, projectId, eventType: 'run.cluster.event', eventKey: `cluster/${n}`, payload: { n } }]);
  }
});
