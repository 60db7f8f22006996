/** Conditions and selects that two statements of the store share. Not exported from it: nobody else holds SQL. */
import { sql, type RawBuilder } from 'kysely';

/** An argument, or a column of the statement around. */
type Value<T> = T | RawBuilder<T>;

/** A person's approvals of a trigger label that are not used up (reference §2.6). */
export function openLabelGrants({ repositoryId, issueNumber, label }: LabelPlace) {
  return sql`
    select id from core.action_requests
    where repository_id = ${repositoryId} and issue_number = ${issueNumber} and action = 'label_apply' and state in ('approved', 'applied')
      and consumed_at is null and expires_at > now() and lower(target ->> 'label') = lower(${label})`;
}

interface LabelPlace {
  readonly repositoryId: Value<string>;
  readonly issueNumber: Value<number>;
  readonly label: Value<string>;
}

/** The platform's user behind a GitHub account and the role in a project; an account that was never linked is known by its login. */
export function senderOf({ githubUserId, githubLogin, projectId }: Sender) {
  return sql`
    select u.id, u.is_platform_admin, u.is_platform_owner, m.role
    from core.users u left join core.project_members m on m.user_id = u.id and m.project_id = ${projectId}
    where u.github_user_id = ${githubUserId} or (u.github_user_id is null and lower(u.github_login) = lower(${githubLogin}))
    limit 1`;
}

interface Sender {
  readonly githubUserId: Value<number>;
  readonly githubLogin: Value<string>;
  readonly projectId: Value<string>;
}

/** The active project agent with this key, else the system agent (reference §2.1). */
export function agentInForce({ agentKey, projectId }: { agentKey: Value<string>; projectId: Value<string> }) {
  return sql`
    select a.id, a.agent_key, a.name, a.role_kind, a.project_id, a.is_active, a.program, a.model, a.reasoning_effort, p.policy_key, p.runtime_mode,
      p.max_parallel_runs, p.run_timeout_sec, p.owner_review_timeout_sec, p.max_attempts
    from core.agents a join core.agent_policies p on p.id = a.policy_id
    where a.agent_key = ${agentKey} and a.is_active and (a.project_id = ${projectId} or a.project_id is null)
    order by a.project_id nulls last limit 1`;
}

/** A repository by the code host's own number for it. */
export function repositoryByExternalId(externalId: Value<number>) {
  return sql`
    select id, project_id, provider, external_id, owner, name, default_branch, html_url, clone_url, token_encrypted, services_yaml_path, hook_id,
      created_at, updated_at
    from core.repositories where provider = 'github' and external_id = ${externalId}`;
}

/** The elements of a JSON array as rows, one for each question or row of a statement; `columns` names the members and their types. */
export function rowsOf(elements: readonly object[], columns: string) {
  return sql`jsonb_to_recordset(cast(${JSON.stringify(elements)} as jsonb)) as q(${sql.raw(columns)})`;
}
