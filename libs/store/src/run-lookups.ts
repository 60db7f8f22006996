/** Questions about runs that rules and reconcilers ask. */
import { sql } from 'kysely';
import type { Run } from './runs.ts';
import type { Db, Tx } from './store.ts';

/** What a reconciler asks for: so many of those that are due, without those it acts on just now. */
export interface DueRows {
  readonly limit: number;
  readonly except: readonly string[];
}

/** Every unfinished run of an issue, reviews included. */
export async function listOpenRunsOfIssue(
  db: Db | Tx,
  { repositoryId, issueNumber }: { repositoryId: string; issueNumber: number },
): Promise<Run[]> {
  const { rows } = await sql<Run>`
    select * from core.agent_runs where repository_id = ${repositoryId} and issue_number = ${issueNumber} and finished_at is null order by created_at`.execute(
    db,
  );
  return rows;
}

/** The run that waits for the owner with this pull request. */
export async function findRunInReview(
  db: Db | Tx,
  { repositoryId, prNumber }: { repositoryId: string; prNumber: number },
): Promise<Run | undefined> {
  const { rows } = await sql<Run>`
    select * from core.agent_runs where repository_id = ${repositoryId} and pr_number = ${prNumber} and status = 'waiting_owner_review'
    order by created_at desc limit 1`.execute(db);
  return rows[0];
}

/** Unfinished runs that rework this pull request. */
export async function listOpenReworks(db: Db | Tx, { repositoryId, prNumber }: { repositoryId: string; prNumber: number }): Promise<Run[]> {
  const { rows } = await sql<Run>`
    select * from core.agent_runs where repository_id = ${repositoryId} and pr_number = ${prNumber} and run_kind = 'revise'
      and status in ('pending', 'running', 'waiting_mcp') order by created_at`.execute(db);
  return rows;
}

/** This owner's runs whose current attempt has said how it ended. Only the owner settles: two workers would act at the host twice. */
export async function listClaimedResults(db: Db, { owner, limit, except }: { owner: string } & DueRows): Promise<Run[]> {
  const { rows } = await sql<Run>`
    select * from core.agent_runs where status in ('running', 'waiting_mcp') and attempt_result is not null and lease_owner = ${owner}
      and lease_until > now() and (retry_at is null or retry_at <= now()) and id <> all(${except}::uuid[])
    order by updated_at limit ${limit}`.execute(db);
  return rows;
}

/**
 * Running or reviewed for longer than allowed. A run that waits for a tool call has no `timeout_at` (NFR-012); one whose attempt has ended
 * does not work any more, its outcome only waits for the code host. At most `limit` of each.
 */
export async function listOverdueRuns(db: Db, limit: number): Promise<Run[]> {
  const { rows } = await sql<Run>`
    (select * from core.agent_runs where status = 'running' and attempt_result is null and timeout_at < now()
     order by timeout_at limit ${limit})
    union all
    (select * from core.agent_runs where status = 'waiting_owner_review' and ${reviewEnd} < now() at time zone 'utc'
     order by ${reviewEnd} limit ${limit})`.execute(db);
  return rows;
}

/** As its index has it. */
const reviewEnd = sql`(wait_since at time zone 'utc' + make_interval(secs => (policy ->> 'owner_review_timeout_sec')::int))`;

export type UnpublishedRun = Run & { wantedState: string; claimedAt: Date };

/**
 * Runs whose status comment and labels do not yet show where they stand. Listing claims them for `claimSec`: no other worker publishes the
 * same run meanwhile, and a worker that dies leaves it to the next after that time.
 */
export async function claimUnpublishedRuns(db: Db, { claimSec, limit, except }: { claimSec: number } & DueRows): Promise<UnpublishedRun[]> {
  const { rows } = await sql<UnpublishedRun>`
    update core.agent_runs set publish_retry_at = now() + make_interval(secs => ${claimSec})
    where id in (select id from core.agent_runs
                 where published_state is distinct from (status || ':' || attempt || ':' || coalesce(pr_number, 0))
                   and (publish_retry_at is null or publish_retry_at <= now()) and id <> all(${except}::uuid[])
                 order by updated_at limit ${limit} for update skip locked)
    returning *, status || ':' || attempt || ':' || coalesce(pr_number, 0) as wanted_state, now() as claimed_at`.execute(db);
  return rows;
}

/** Runs that are over and whose workspace is still there. Listing claims them for `claimSec`, so that one worker cleans up, and a failure is tried again. */
export async function claimUncleanedRuns(db: Db, wanted: { keepSec: number; claimSec: number; limit: number }): Promise<Run[]> {
  const { rows } = await sql<Run>`
    update core.agent_runs set retry_at = now() + make_interval(secs => ${wanted.claimSec})
    where id in (select id from core.agent_runs
                 where cleaned_up_at is null and finished_at < now() - make_interval(secs => ${wanted.keepSec})
                   and (retry_at is null or retry_at <= now())
                 order by finished_at limit ${wanted.limit} for update skip locked)
    returning *`.execute(db);
  return rows;
}

/**
 * Of attempts whose processes live those that should not: their run is over, waits for the owner, has a newer attempt or is unknown. Looks each up by
 * its key (`limit 1`), whatever the planner thinks of the table's size.
 */
export async function listStrays(db: Db, alive: readonly { readonly runId: string; readonly attempt: number }[]): Promise<Stray[]> {
  if (alive.length === 0) return [];
  // One parameter per column, however many they are: a statement takes 65,535 at most, and 300 cost it 40 ms.
  const [ids, attempts] = [alive.map(({ runId }) => runId), alive.map(({ attempt }) => attempt)];
  const { rows } = await sql<Stray>`
    select a.id, a.attempt, r.correlation_id, r.repository_id
    from unnest(${ids}::uuid[], ${attempts}::int[]) as a(id, attempt)
      left join lateral (select id, status, attempt, correlation_id, repository_id from core.agent_runs where id = a.id limit 1) r on true
    where r.id is null or r.attempt > a.attempt or r.status not in ('pending', 'running', 'waiting_mcp')`.execute(db);
  return rows;
}

export type Stray = Pick<Run, 'id' | 'attempt' | 'repositoryId'> & {
  /** Null: there is no such run. */
  readonly correlationId: string | null;
};

/** Started runs that are neither over nor wait for their owner. */
export async function countWorkingRuns(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from core.agent_runs where status in ('running', 'waiting_mcp')`.execute(db);
  return rows[0]?.count ?? 0;
}

export async function countRunsByStatus(db: Db): Promise<Map<string, number>> {
  const { rows } = await sql<{ status: string; count: number }>`
    select status, count(*)::int as count from core.agent_runs where finished_at is null group by status`.execute(db);
  return new Map(rows.map(({ status, count }) => [status, count]));
}

/** The newest run of an issue that has a pull request: what a revise continues. */
export async function latestDeliveredRun(
  db: Db | Tx,
  { repositoryId, issueNumber }: { repositoryId: string; issueNumber: number },
): Promise<Run | undefined> {
  const { rows } = await sql<Run>`
    select * from core.agent_runs where repository_id = ${repositoryId} and issue_number = ${issueNumber} and run_kind <> 'review' and pr_number is not null
    order by created_at desc limit 1`.execute(db);
  return rows[0];
}

/** The newest stage run that delivered this pull request. */
export async function findRunOfPullRequest(
  db: Db | Tx,
  { repositoryId, prNumber }: { repositoryId: string; prNumber: number },
): Promise<Run | undefined> {
  const { rows } = await sql<Run>`
    select * from core.agent_runs where repository_id = ${repositoryId} and pr_number = ${prNumber} and run_kind <> 'review'
    order by created_at desc limit 1`.execute(db);
  return rows[0];
}
