/** That the statements which workers repeat read the rows they mean, however many others there are. */
import { aProject, aRepository, aRun, openTestStore } from '@codex-k8s/testkit';
import { RawNode, sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { listOverdueRuns } from './run-lookups.ts';
import type { Run } from './runs.ts';
import type { Db } from './store.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(() => sql`truncate core.projects cascade`.execute(store.db));

/** What PostgreSQL would do for it. */
async function planOf(ask: (db: Db) => Promise<unknown>): Promise<string> {
  const plan: unknown[] = [];
  const explaining = store.db.withPlugin({
    transformQuery: ({ node }) => RawNode.create(['explain ', ''], [node]),
    transformResult: async ({ result }) => {
      plan.push(...result.rows);
      return result;
    },
  });
  await ask(explaining);
  return JSON.stringify(plan);
}

async function copies(run: Run, count: number): Promise<void> {
  await sql`insert into core.agent_runs select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),
      'correlation_id', gen_random_uuid(), 'issue_number', r.issue_number + n))).*
    from core.agent_runs r, generate_series(1, ${count}) n where r.id = ${run.id}`.execute(store.db);
}

test('of a project with many slots a claim and a sweep read only those they mean', async () => {
  const { id: projectId } = await aProject(store, {});
  await sql`insert into core.slots (project_id, slot_no) select ${projectId}, n from generate_series(1, 5000) n`.execute(store.db);
  await sql`analyze core.slots`.execute(store.db);

  expect(await planOf((db) => sql`select count(*) from core.slots where state <> 'free'`.execute(db))).toContain('slots_taken');
  expect(
    await planOf((db) =>
      sql`select slot_no from core.slots where project_id = ${projectId} and slot_no <= 5000 and state = 'free'
        order by slot_no for update skip locked limit 1`.execute(db),
    ),
  ).toContain('slots_free');
});

test('among thousands of runs at work and in review the look for overdue ones reads those alone', async () => {
  const repository = await aRepository(store, (await aProject(store, {})).id);
  const working = await aRun(store, { repository, issueNumber: 10_000 });
  const reviewed = await aRun(store, { repository, issueNumber: 1 });
  await sql`update core.agent_runs set status = 'running', timeout_at = now() + interval '1 minute' where id = ${working.id}`.execute(
    store.db,
  );
  await sql`update core.agent_runs set status = 'waiting_owner_review', wait_since = now() where id = ${reviewed.id}`.execute(store.db);
  for (const run of [working, reviewed]) await copies(run, 3000);
  await sql`analyze core.agent_runs`.execute(store.db);

  const plan = await planOf((db) => listOverdueRuns(db, 50));

  expect(plan).toContain('agent_runs_work_due');
  expect(plan).toContain('agent_runs_review_due');
  expect(plan).not.toContain('Seq Scan');
});
