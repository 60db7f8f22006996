import type { ActorRef, StageRecord } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { asJson } from './json.ts';
import type { Tx, Db } from './store.ts';
import type { CoreIssueStages } from './tables.gen.ts';

export type IssueStage = Omit<Selectable<CoreIssueStages>, 'stage' | 'status'> & Pick<StageRecord, 'stage' | 'status'>;

export async function getIssueStage(
  db: Db | Tx,
  { repositoryId, issueNumber }: { repositoryId: string; issueNumber: number },
): Promise<IssueStage | undefined> {
  const row = await db
    .selectFrom('core.issueStages')
    .selectAll()
    .where('repositoryId', '=', repositoryId)
    .where('issueNumber', '=', issueNumber)
    .executeTakeFirst();
  return row as IssueStage | undefined; // written by setIssueStage only
}

export interface StageChange {
  readonly repositoryId: string;
  readonly projectId: string;
  readonly issueNumber: number;
  readonly profile: string;
  readonly stage: StageRecord['stage'];
  readonly status: StageRecord['status'];
  readonly runId: string;
  readonly prNumber?: number | undefined;
  readonly correlationId: string;
  readonly actor: ActorRef;
}

/** Sets where an issue stands and puts the transition on record; the row can be rebuilt from those events (reference §3.4). */
export async function setIssueStage(tx: Tx, change: StageChange): Promise<void> {
  const { repositoryId, projectId, issueNumber, profile, stage, status, runId, prNumber, correlationId, actor } = change;
  const payload = { to: { stage, status }, issue_number: issueNumber, pr_number: prNumber };
  await sql`/* prepared */
    with before as (
      select jsonb_build_object('from', jsonb_build_object('stage', stage, 'status', status)) as payload
      from core.issue_stages where repository_id = ${repositoryId} and issue_number = ${issueNumber}
    ), changed as (
      insert into core.issue_stages as known (repository_id, issue_number, profile, stage, status, active_run_id, pr_number)
      values (${repositoryId}, ${issueNumber}, ${profile}, ${stage}, ${status}, ${runId}, ${prNumber ?? null})
      on conflict (repository_id, issue_number) do update set stage = excluded.stage, status = excluded.status,
        active_run_id = excluded.active_run_id, pr_number = coalesce(excluded.pr_number, known.pr_number), updated_at = now()
    )
    insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, payload)
    values (${correlationId}, ${runId}, ${projectId}, ${actor.type}, ${actor.id}, 'stage.transition',
      ${asJson(payload)} || coalesce((select payload from before), '{}'))`.execute(tx);
}
