import type { Actor } from '@codex-k8s/domain';
import { sql, type RawBuilder } from 'kysely';
import type { ActionRequest, ApprovalState } from './action-requests.ts';
import type { Db } from './store.ts';

export interface ActionRequestView extends ActionRequest {
  readonly projectSlug: string;
  readonly repositoryFullName: string | null;
  readonly issueTitle: string | null;
  readonly prUrl: string | null;
  /** What the actor may do in the request's project. */
  readonly role: string | null;
}

export interface ApprovalFilter {
  readonly actor: Actor;
  readonly states: readonly ApprovalState[];
  readonly projectId?: string | undefined;
  readonly runId?: string | undefined;
  readonly id?: number | undefined;
  readonly beforeId?: number | undefined;
  readonly limit: number;
}

/** Newest first, of the projects the actor may see. */
export async function listActionRequests(
  db: Db,
  { actor, states, projectId, runId, id, beforeId, limit }: ApprovalFilter,
): Promise<ActionRequestView[]> {
  const isAdmin = actor.isPlatformAdmin || actor.isPlatformOwner;
  const conditions: RawBuilder<unknown>[] = [sql`q.state in (${sql.join(states)})`];
  if (!isAdmin) conditions.push(sql`m.role is not null`);
  if (projectId) conditions.push(sql`q.project_id = ${projectId}`);
  if (runId) conditions.push(sql`q.run_id = ${runId}`);
  if (id !== undefined) conditions.push(sql`q.id = ${id}`);
  if (beforeId !== undefined) conditions.push(sql`q.id < ${beforeId}`);
  const { rows } = await sql<ActionRequestView>`
    select q.*, p.slug as project_slug, r.repository_full_name, r.issue_title, r.pr_url, case when ${isAdmin} then 'admin' else m.role end as role
    from core.action_requests q
    join core.projects p on p.id = q.project_id
    left join core.agent_runs r on r.id = q.run_id
    left join core.project_members m on m.project_id = q.project_id and m.user_id = ${actor.userId}
    where ${sql.join(conditions, sql` and `)} order by q.id desc limit ${limit}`.execute(db);
  return rows;
}
