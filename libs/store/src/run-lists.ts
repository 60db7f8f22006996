/** Runs as people see them: the row with its project's and agent's names. Reads go to the replica where there is one. */
import { waitingStatuses, type Actor, type RunStatus } from '@codex-k8s/domain';
import { sql, type RawBuilder } from 'kysely';
import type { Run } from './runs.ts';
import type { Db } from './store.ts';

export interface RunView extends Run {
  readonly projectSlug: string;
  readonly projectName: string;
  readonly agentName: string;
}

const view = sql`
  select r.*, p.slug as project_slug, p.name as project_name, a.name as agent_name
  from core.agent_runs r join core.projects p on p.id = r.project_id join core.agents a on a.id = r.agent_id`;

export async function getRunView(db: Db, id: string): Promise<RunView | undefined> {
  const { rows } = await sql<RunView>`${view} where r.id = ${id}`.execute(db);
  return rows[0];
}

export interface RunFilter {
  readonly actor: Actor;
  readonly projectId?: string | undefined;
  readonly statuses?: readonly RunStatus[] | undefined;
  readonly triggerKind?: string | undefined;
  readonly agentKey?: string | undefined;
  readonly issueNumber?: number | undefined;
  readonly text?: string | undefined;
  /** Runs older than this one. */
  readonly before?: { readonly createdAt: string; readonly id: string } | undefined;
  readonly limit: number;
}

/** Newest first, of the projects the actor may see. */
export async function listRuns(db: Db, { before, limit, ...filter }: RunFilter): Promise<RunView[]> {
  const conditions = conditionsOf(filter);
  if (before) conditions.push(sql`(r.created_at, r.id) < (${before.createdAt}::timestamptz, ${before.id}::uuid)`);
  const { rows } =
    await sql<RunView>`${view} where ${sql.join(conditions, sql` and `)} order by r.created_at desc, r.id desc limit ${limit}`.execute(db);
  return rows;
}

/** The longest wait first, of the projects the actor may see. */
export async function listWaitingRuns(
  db: Db,
  { waitReason, limit, ...filter }: Omit<RunFilter, 'before' | 'statuses'> & { readonly waitReason?: 'mcp' | 'owner_review' | undefined },
): Promise<RunView[]> {
  const conditions = [
    ...conditionsOf({ ...filter, statuses: waitingStatuses }),
    ...(waitReason ? [sql`r.wait_reason = ${waitReason}`] : []),
  ];
  const { rows } = await sql<RunView>`${view} where ${sql.join(conditions, sql` and `)} order by r.wait_since, r.id limit ${limit}`.execute(
    db,
  );
  return rows;
}

function conditionsOf(filter: Omit<RunFilter, 'before' | 'limit'>): RawBuilder<unknown>[] {
  const { actor, projectId, statuses, triggerKind, agentKey, issueNumber, text } = filter;
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (!actor.isPlatformAdmin && !actor.isPlatformOwner) {
    conditions.push(sql`r.project_id in (select project_id from core.project_members where user_id = ${actor.userId})`);
  }
  if (projectId) conditions.push(sql`r.project_id = ${projectId}`);
  if (statuses?.length) conditions.push(sql`r.status in (${sql.join(statuses)})`);
  if (triggerKind) conditions.push(sql`r.trigger_kind = ${triggerKind}`);
  if (agentKey) conditions.push(sql`r.agent_key = ${agentKey}`);
  if (issueNumber) conditions.push(sql`r.issue_number = ${issueNumber}`);
  if (text) {
    const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    conditions.push(
      sql`(r.issue_title ilike ${pattern} or r.repository_full_name ilike ${pattern} or r.correlation_id ilike ${pattern} or r.id::text ilike ${pattern})`,
    );
  }
  return conditions;
}

export async function listRelatedRuns(db: Db, { id, parentRunId }: { id: string; parentRunId: string | null }): Promise<Run[]> {
  const { rows } = await sql<Run>`
    select * from core.agent_runs where parent_run_id = ${id} or id = ${parentRunId} order by created_at limit 50`.execute(db);
  return rows;
}

/** The newest stage run of each issue of a repository. */
export async function latestRuns(db: Db, repositoryId: string): Promise<Run[]> {
  const { rows } = await sql<Run>`
    select distinct on (issue_number) * from core.agent_runs
    where repository_id = ${repositoryId} and run_kind <> 'review' and issue_number is not null
    order by issue_number, created_at desc`.execute(db);
  return rows;
}
