/** What the rule behind a trigger label asks about an issue, in one statement: it is read for every label of every delivery. */
import type { ProjectRole, StageRecord } from '@codex-k8s/domain';
import { sql } from 'kysely';
import { openLabelGrants } from './action-requests.ts';
import type { ProjectSettings } from './projects.ts';
import type { Tx } from './store.ts';
import { senders, type KnownSender } from './users.ts';

export interface TriggerFacts {
  readonly settings: ProjectSettings;
  /** The stage run that works on the issue now. */
  readonly activeRunId: string | undefined;
  readonly stage: StageRecord | undefined;
  readonly hasGrant: boolean;
  /** The platform's user behind the account that set the label. */
  readonly user: KnownSender | undefined;
}

export interface TriggerQuestion {
  readonly projectId: string;
  readonly repositoryId: string;
  readonly issueNumber: number;
  readonly label: string;
  readonly account: { readonly id: number; readonly login: string };
}

/** Call it under the lock of the issue. */
export async function readTriggerFacts(tx: Tx, question: TriggerQuestion): Promise<TriggerFacts> {
  const { projectId, repositoryId, issueNumber, account } = question;
  const { rows } = await sql<Row>`/* prepared */
    select p.settings, s.stage, s.status, s.pr_number, u.id as user_id, u.is_platform_admin, u.is_platform_owner, u.role,
      exists (select from ${openLabelGrants(question)}) as has_grant,
      (select id from core.agent_runs where repository_id = ${repositoryId} and issue_number = ${issueNumber}
         and run_kind <> 'review' and status in ('pending', 'running', 'waiting_mcp') limit 1) as active_run_id
    from core.projects p
      left join core.issue_stages s on s.repository_id = ${repositoryId} and s.issue_number = ${issueNumber}
      left join (${senders({ githubUserId: account.id, githubLogin: account.login, projectId })}) u on true
    where p.id = ${projectId}`.execute(tx);
  const [row] = rows;
  if (!row) throw new Error(`project ${projectId} has a repository and is not there`); // the foreign key forbids it
  const { settings, activeRunId, hasGrant, stage, status, prNumber, userId, isPlatformAdmin, isPlatformOwner, role } = row;
  return {
    settings,
    activeRunId: activeRunId ?? undefined,
    hasGrant,
    stage: stage === null || status === null ? undefined : { stage, status, prNumber: prNumber ?? undefined },
    user: userId === null ? undefined : { id: userId, isPlatformAdmin, isPlatformOwner, role: role ?? undefined },
  };
}

/** Joined, so everything of a stage or a user that is not there is null. */
interface Row {
  readonly settings: ProjectSettings;
  readonly activeRunId: string | null;
  readonly hasGrant: boolean;
  readonly stage: StageRecord['stage'] | null;
  readonly status: StageRecord['status'] | null;
  readonly prNumber: number | null;
  readonly userId: string | null;
  readonly isPlatformAdmin: boolean;
  readonly isPlatformOwner: boolean;
  readonly role: ProjectRole | null;
}
