import { sql } from 'kysely';
import type { Tx } from './store.ts';

export interface IssueAt {
  readonly repositoryId: string;
  readonly issueNumber: number;
  /** By the clock of the code host. */
  readonly at: Date;
}

/** Repeating it, or telling of an earlier closing, changes nothing. */
export async function recordIssueClosed(tx: Tx, { repositoryId, issueNumber, at }: IssueAt): Promise<void> {
  await sql`insert into core.closed_issues (repository_id, issue_number, closed_at) values (${repositoryId}, ${issueNumber}, ${at})
    on conflict (repository_id, issue_number) do update set closed_at = greatest(closed_issues.closed_at, excluded.closed_at)`.execute(tx);
}

/** Unless it was closed again since. */
export async function recordIssueReopened(tx: Tx, { repositoryId, issueNumber, at }: IssueAt): Promise<void> {
  await tx
    .deleteFrom('core.closedIssues')
    .where('repositoryId', '=', repositoryId)
    .where('issueNumber', '=', issueNumber)
    .where('closedAt', '<=', at)
    .execute();
}
