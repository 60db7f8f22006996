/** The raw limit: the rows that a delivery leaves, written by pgbench in one statement each, without any of our code. */

const firstFreeIssue = 1_000_000_000;

/** Issue numbers that no delivery of the load has. */
export const prepareSql = `create sequence bench_issue start ${firstFreeIssue}`;

const issue = `
with place as (
  select r.id as repository_id, r.project_id, r.owner || '/' || r.name as full_name, a.id as agent_id,
    nextval('bench_issue')::int as n, gen_random_uuid()::text as delivery
  from core.repositories r, core.agents a where a.agent_key = 'dev' limit 1
)`;
const insertDelivery = `
insert into core.webhook_deliveries (delivery_id, body_sha256, event_type, action, repository_full_name, result, run_id, repository_id, issue_number, details)
select delivery, encode(sha256(delivery::bytea), 'hex'), 'issues', 'labeled', full_name, 'accepted', gen_random_uuid(), repository_id, n,
  jsonb_build_object('label', 'run-dev', 'run_kind', 'dev', 'allowed_by', 'platform_admin') from place`;
const insertRun = `
insert into core.agent_runs (correlation_id, project_id, repository_id, repository_full_name, agent_id, agent_key, program, model, reasoning_effort,
  run_kind, trigger_kind, trigger_label, triggered_by, issue_number, issue_title, issue_url, base_branch, branch, run_payload, policy)
select delivery, project_id, repository_id, full_name, agent_id, 'dev', 'trial', 'scripted', 'high', 'work', 'dev', 'run-dev', 'bench', n, 'Task', 'url',
  'main', 'codex/issue-' || n, jsonb_build_object('issue', jsonb_build_object('number', n, 'title', 'Task', 'body', repeat('x', 60))),
  jsonb_build_object('max_parallel_runs', 2, 'run_timeout_sec', 7200, 'max_attempts', 3) from place
returning id, correlation_id, project_id, repository_full_name, issue_number, branch`;
const insertSession = `
insert into audit.agent_sessions (run_id, correlation_id, project_id, repository_full_name, issue_number, branch_name, agent_key, trigger_kind, program,
  model, reasoning_effort)
select id, correlation_id, project_id, repository_full_name, issue_number, branch, 'dev', 'dev', 'trial', 'scripted', 'high' from run`;
const insertEvents = `
insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, payload)
select correlation_id, id, project_id, 'system', 'bench', type, jsonb_build_object('issue_number', issue_number)
from run, unnest(array['run.enqueued', 'stage.transition', 'webhook.received']) type`;
const insertStage = `
insert into core.issue_stages (repository_id, issue_number, profile, stage, status)
select repository_id, n, 'feature', 'dev', 'in_progress' from place`;

export const scripts = {
  /** The row of core.webhook_deliveries. */
  delivery: `${issue}${insertDelivery};`,
  /** Everything: delivery, run, session, stage and three events. */
  allRows: `${issue}, delivery as (${insertDelivery}), run as (${insertRun}), session as (${insertSession}), stage as (${insertStage})${insertEvents};`,
} as const;
