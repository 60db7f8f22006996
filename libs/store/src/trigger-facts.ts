/** What the rule behind a trigger label asks about an issue, in one statement for all deliveries of a batch. */
import type { ProjectRole, StageRecord } from '@codex-k8s/domain';
import { sql } from 'kysely';
import type { AgentView } from './agents.ts';
import type { ProjectSettings } from './projects.ts';
import { agentInForce, openLabelGrants, rowsOf, senderOf } from './sql-parts.ts';
import type { Tx } from './store.ts';
import { together } from './together.ts';
import type { KnownSender } from './users.ts';

export interface TriggerFacts {
  readonly settings: ProjectSettings;
  /** The stage run that works on the issue now. */
  readonly activeRunId: string | undefined;
  readonly stage: StageRecord | undefined;
  readonly hasGrant: boolean;
  /** When the code host last said that the issue is closed, by its clock; undefined for one that it reopened since. */
  readonly closedAt: Date | undefined;
  /** Who would do the work; undefined without `agentKey` or when there is none. */
  readonly agent: AgentView | undefined;
  /** The platform's user behind the account that set the label. */
  readonly user: KnownSender | undefined;
}

export interface TriggerQuestion {
  readonly projectId: string;
  readonly repositoryId: string;
  readonly issueNumber: number;
  readonly label: string;
  /** Of the trigger, where the label is one. */
  readonly agentKey: string | undefined;
  readonly account: { readonly id: number; readonly login: string };
}

/** Call it under the lock of the issue. */
export const readTriggerFacts = together(async (tx: Tx, questions: readonly TriggerQuestion[]): Promise<TriggerFacts[]> => {
  const asked = questions.map(({ account, ...question }, n) => ({ n, ...question, userId: account.id, login: account.login }));
  const projectId = sql<string>`q."projectId"`;
  const repositoryId = sql<string>`q."repositoryId"`;
  const issueNumber = sql<number>`q."issueNumber"`;
  // One index look-up for each question (`limit 1`), whatever the planner thought of the table's size when it kept the plan.
  const { rows } = await sql<Row>`/* prepared */
    select p.settings, s.stage, s.status, s.pr_number, u.id as user_id, u.is_platform_admin, u.is_platform_owner, u.role,
      a.id as agent_id, a.agent_key, a.name, a.role_kind, a.project_id, a.is_active, a.program, a.model, a.reasoning_effort, a.policy_key,
      a.runtime_mode, a.max_parallel_runs, a.run_timeout_sec, a.owner_review_timeout_sec, a.max_attempts,
      exists (${openLabelGrants({ repositoryId, issueNumber, label: sql<string>`q.label` })}) as has_grant,
      (select closed_at from core.closed_issues where repository_id = ${repositoryId} and issue_number = ${issueNumber}) as closed_at,
      (select id from core.agent_runs where repository_id = ${repositoryId} and issue_number = ${issueNumber}
         and run_kind <> 'review' and status in ('pending', 'running', 'waiting_mcp') limit 1) as active_run_id
    from ${rowsOf(asked, '"n" int, "projectId" uuid, "repositoryId" uuid, "issueNumber" int, label text, "agentKey" text, "userId" bigint, login text')}
      left join core.projects p on p.id = ${projectId}
      left join lateral (select stage, status, pr_number from core.issue_stages
        where repository_id = ${repositoryId} and issue_number = ${issueNumber} limit 1) s on true
      left join lateral (${senderOf({ githubUserId: sql<number>`q."userId"`, githubLogin: sql<string>`q.login`, projectId })}) u on true
      left join lateral (${agentInForce({ agentKey: sql<string>`q."agentKey"`, projectId })}) a on true
    order by q.n`.execute(tx);
  return rows.map(factsOf);
});

function factsOf(row: Row): TriggerFacts {
  const {
    settings,
    activeRunId,
    closedAt,
    hasGrant,
    stage,
    status,
    prNumber,
    userId,
    isPlatformAdmin,
    isPlatformOwner,
    role,
    agentId,
    ...agent
  } = row;
  return {
    settings,
    activeRunId: activeRunId ?? undefined,
    hasGrant,
    closedAt: closedAt ?? undefined,
    stage: stage === null || status === null ? undefined : { stage, status, prNumber: prNumber ?? undefined },
    agent: agentId === null ? undefined : { id: agentId, ...agent },
    user: userId === null ? undefined : { id: userId, isPlatformAdmin, isPlatformOwner, role: role ?? undefined },
  };
}

/** Joined, so everything of a stage, a user or an agent that is not there is null; its key says so, and nothing else of it is looked at then. */
interface Row extends Omit<AgentView, 'id'> {
  readonly agentId: string | null;
  readonly settings: ProjectSettings;
  readonly activeRunId: string | null;
  readonly hasGrant: boolean;
  readonly closedAt: Date | null;
  readonly stage: StageRecord['stage'] | null;
  readonly status: StageRecord['status'] | null;
  readonly prNumber: number | null;
  readonly userId: string | null;
  readonly isPlatformAdmin: boolean;
  readonly isPlatformOwner: boolean;
  readonly role: ProjectRole | null;
}
