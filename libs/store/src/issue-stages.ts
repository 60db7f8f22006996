import type { ActorRef, StageRecord } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { recordEvent } from './flow-events.ts';
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
  const before = await getIssueStage(tx, { repositoryId, issueNumber });
  await tx
    .insertInto('core.issueStages')
    .values({ repositoryId, issueNumber, profile, stage, status, activeRunId: runId, prNumber: prNumber ?? null })
    .onConflict((conflict) =>
      conflict.columns(['repositoryId', 'issueNumber']).doUpdateSet({
        stage,
        status,
        activeRunId: runId,
        ...(prNumber !== undefined && { prNumber }),
        updatedAt: sql<Date>`now()`,
      }),
    )
    .execute();
  await recordEvent(tx, {
    type: 'stage.transition',
    correlationId,
    runId,
    projectId,
    actor,
    payload: {
      from: before ? { stage: before.stage, status: before.status } : undefined,
      to: { stage, status },
      issue_number: issueNumber,
      pr_number: prNumber,
    },
  });
}
