/** Conditions and selects that two statements of the store share. Not exported from it: nobody else holds SQL. */
import { sql } from 'kysely';

/** A person's approvals of a trigger label that are not used up (reference §2.6). */
export function openLabelGrants({ repositoryId, issueNumber, label }: { repositoryId: string; issueNumber: number; label: string }) {
  return sql`
    select id from core.action_requests
    where repository_id = ${repositoryId} and issue_number = ${issueNumber} and action = 'label_apply' and state in ('approved', 'applied')
      and consumed_at is null and expires_at > now() and lower(target ->> 'label') = lower(${label})`;
}

/** The platform's user behind a GitHub account and the role in a project; an account that was never linked is known by its login. */
export function senderOf({ githubUserId, githubLogin, projectId }: { githubUserId: number; githubLogin: string; projectId: string }) {
  return sql`
    select u.id, u.is_platform_admin, u.is_platform_owner, m.role
    from core.users u left join core.project_members m on m.user_id = u.id and m.project_id = ${projectId}
    where u.github_user_id = ${githubUserId} or (u.github_user_id is null and lower(u.github_login) = ${githubLogin.toLowerCase()})
    limit 1`;
}

/** The active project agent with this key, else the system agent (reference §2.1). */
export function agentInForce({ agentKey, projectId }: { agentKey: string | undefined; projectId: string }) {
  return sql`
    select a.id, a.agent_key, a.name, a.role_kind, a.project_id, a.is_active, a.program, a.model, a.reasoning_effort, p.policy_key, p.runtime_mode,
      p.max_parallel_runs, p.run_timeout_sec, p.owner_review_timeout_sec, p.max_attempts
    from core.agents a join core.agent_policies p on p.id = a.policy_id
    where a.agent_key = ${agentKey ?? null} and a.is_active and (a.project_id = ${projectId} or a.project_id is null)
    order by a.project_id nulls last limit 1`;
}

/** A repository by the code host's own number for it. */
export function repositoryByExternalId(externalId: number | undefined) {
  return sql`
    select id, project_id, provider, external_id, owner, name, default_branch, html_url, clone_url, token_encrypted, services_yaml_path, hook_id,
      created_at, updated_at
    from core.repositories where provider = 'github' and external_id = ${externalId ?? null}`;
}
