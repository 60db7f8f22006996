-- Three logical contours in one database (reference §8): core, audit (append-mostly history) and knowledge. No foreign key crosses contours.
create schema core;
create schema audit;
create schema knowledge;

create table core.users (
  id uuid primary key default gen_random_uuid(),
  email text not null check (email = lower(email)),
  github_user_id bigint,
  github_login text,
  is_platform_admin boolean not null default false,
  is_platform_owner boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index users_email_key on core.users (email);
create unique index users_github_user_id_key on core.users (github_user_id);
create unique index users_one_owner on core.users (is_platform_owner) where is_platform_owner;
create index users_github_login on core.users (lower(github_login));

create table core.projects (
  id uuid primary key default gen_random_uuid(),
  slug text not null constraint projects_slug_key unique,
  name text not null constraint projects_name_key unique,
  settings jsonb not null default '{}',
  is_protected boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table core.project_members (
  project_id uuid not null references core.projects on delete cascade,
  user_id uuid not null references core.users on delete cascade,
  role text not null check (role in ('read', 'read_write', 'admin')),
  learning_mode_override boolean,
  created_at timestamptz not null default now(),
  primary key (project_id, user_id)
);
create index project_members_user on core.project_members (user_id);

create table core.repositories (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references core.projects on delete cascade,
  provider text not null check (provider in ('github', 'gitlab')),
  external_id bigint not null,
  owner text not null,
  name text not null,
  default_branch text not null,
  html_url text not null,
  clone_url text not null,
  token_encrypted bytea not null,
  services_yaml_path text not null default 'services.yaml',
  hook_id bigint,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint repositories_external_key unique (provider, external_id)
);
create index repositories_project on core.repositories (project_id);
create index repositories_full_name on core.repositories (provider, lower(owner), lower(name));

create table core.platform_github_tokens (
  id smallint primary key default 1 check (id = 1),
  platform_token_encrypted bytea,
  bot_token_encrypted bytea,
  updated_at timestamptz not null default now()
);

create table core.system_settings (
  key text primary key,
  value jsonb not null default '{}',
  updated_at timestamptz not null default now()
);

create table core.agent_policies (
  id bigint generated always as identity primary key,
  policy_key text not null constraint agent_policies_key unique,
  runtime_mode text not null check (runtime_mode in ('full-env', 'code-only')),
  max_parallel_runs integer not null default 1 check (max_parallel_runs > 0),
  run_timeout_sec integer not null default 0 check (run_timeout_sec >= 0),
  owner_review_timeout_sec integer check (owner_review_timeout_sec > 0),
  kill_on_mcp_wait_timeout boolean not null default false check (not kill_on_mcp_wait_timeout),
  approval_required_for_run_labels boolean not null default true,
  max_attempts integer not null default 3 check (max_attempts > 0),
  config jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table core.agents (
  id uuid primary key default gen_random_uuid(),
  agent_key text not null,
  role_kind text not null check (role_kind in ('system', 'custom')),
  project_id uuid references core.projects on delete cascade,
  name text not null,
  is_active boolean not null default true,
  policy_id bigint not null references core.agent_policies,
  program text not null default 'trial',
  model text not null,
  reasoning_effort text not null default 'high',
  github_nick text,
  email text,
  token_encrypted bytea,
  settings jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((role_kind = 'custom') = (project_id is not null))
);
create unique index agents_system_key on core.agents (agent_key) where role_kind = 'system';
create unique index agents_custom_key on core.agents (project_id, agent_key) where role_kind = 'custom';

create table core.agent_runs (
  id uuid primary key default gen_random_uuid(),
  correlation_id text not null constraint agent_runs_correlation_key unique,
  parent_run_id uuid references core.agent_runs on delete set null,
  project_id uuid not null references core.projects on delete cascade,
  repository_id uuid references core.repositories on delete set null,
  repository_full_name text not null,
  agent_id uuid not null references core.agents,
  agent_key text not null,
  program text not null,
  model text not null,
  reasoning_effort text not null,
  scripted boolean not null default false,
  run_kind text not null check (run_kind in ('work', 'revise', 'review')),
  trigger_kind text not null,
  trigger_label text,
  triggered_by text not null,
  issue_number integer,
  issue_title text,
  issue_url text,
  pr_number integer,
  pr_url text,
  base_branch text not null,
  branch text not null,
  head_sha text,
  status text not null default 'pending'
    check (status in ('pending', 'running', 'waiting_mcp', 'waiting_owner_review', 'succeeded', 'failed', 'timed_out', 'cancelled')),
  wait_reason text check (wait_reason in ('mcp', 'owner_review')),
  wait_since timestamptz,
  pending_reason text,
  retry_at timestamptz,
  run_payload jsonb not null default '{}',
  policy jsonb not null default '{}',
  learning_mode boolean not null default false,
  attempt integer not null default 0,
  -- Processes that ended by themselves; only these count against max_attempts, restarts of the platform do not.
  losses integer not null default 0,
  slot_fence bigint,
  lease_owner text,
  lease_until timestamptz,
  heartbeat_at timestamptz,
  timeout_at timestamptz,
  timeout_remaining_sec integer,
  report jsonb,
  attempt_result jsonb,
  verification jsonb,
  failure_code text,
  failure_message text,
  comment_id bigint,
  published_state text,
  publish_retry_at timestamptz,
  cleaned_up_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((status in ('failed', 'timed_out')) <= (failure_code is not null))
);
create index agent_runs_pending on core.agent_runs (created_at) where status = 'pending';
create index agent_runs_open on core.agent_runs (status, lease_until) where status in ('running', 'waiting_mcp', 'waiting_owner_review');
create index agent_runs_project on core.agent_runs (project_id, created_at desc, id desc);
create index agent_runs_newest on core.agent_runs (created_at desc, id desc);
create index agent_runs_issue on core.agent_runs (repository_id, issue_number, created_at desc);
create index agent_runs_parent on core.agent_runs (parent_run_id);
create index agent_runs_unpublished on core.agent_runs (updated_at)
  where published_state is distinct from (status || ':' || attempt || ':' || coalesce(pr_number, 0));
create index agent_runs_uncleaned on core.agent_runs (finished_at) where cleaned_up_at is null and finished_at is not null;
-- The last line of defence behind the advisory lock: one active stage run per issue (reference §2.8).
create unique index agent_runs_one_active_stage_run on core.agent_runs (repository_id, issue_number)
  where run_kind <> 'review' and status in ('pending', 'running', 'waiting_mcp');

create table core.slots (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references core.projects on delete cascade,
  slot_no integer not null check (slot_no > 0),
  state text not null default 'free' check (state in ('free', 'leased', 'releasing')),
  run_id uuid references core.agent_runs on delete set null,
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  updated_at timestamptz not null default now(),
  constraint slots_no_key unique (project_id, slot_no)
);
create unique index slots_run_key on core.slots (run_id);

create table core.issue_stages (
  repository_id uuid not null references core.repositories on delete cascade,
  issue_number integer not null,
  profile text not null,
  stage text not null,
  status text not null check (status in ('in_progress', 'in_review', 'approved', 'superseded', 'abandoned', 'failed')),
  active_run_id uuid references core.agent_runs on delete set null,
  pr_number integer,
  target_stage text,
  updated_at timestamptz not null default now(),
  primary key (repository_id, issue_number)
);

create table core.webhook_deliveries (
  delivery_id text primary key,
  body_sha256 text not null,
  event_type text not null,
  action text,
  repository_full_name text,
  result text not null check (result in ('accepted', 'ignored')),
  reason text,
  run_id uuid,
  repository_id uuid,
  issue_number integer,
  details jsonb not null default '{}',
  -- A refusal that people should hear of on the issue; answered by the worker.
  needs_answer boolean not null default false,
  answer_retry_at timestamptz,
  received_at timestamptz not null default now()
);
create index webhook_deliveries_unanswered on core.webhook_deliveries (received_at) where needs_answer;
create index webhook_deliveries_body on core.webhook_deliveries (body_sha256, event_type, received_at);
create index webhook_deliveries_received on core.webhook_deliveries (received_at);

create table core.action_requests (
  id bigint generated always as identity primary key,
  correlation_id text not null,
  run_id uuid references core.agent_runs on delete cascade,
  project_id uuid not null references core.projects on delete cascade,
  repository_id uuid references core.repositories on delete set null,
  issue_number integer,
  pr_number integer,
  tool_name text not null,
  action text not null,
  target jsonb not null,
  digest text not null,
  approval_mode text not null default 'owner' check (approval_mode in ('owner', 'delegated')),
  state text not null default 'requested' check (state in ('requested', 'approved', 'denied', 'expired', 'failed', 'applied')),
  question text,
  options jsonb,
  allow_custom boolean not null default false,
  answer text,
  reason text,
  requested_by text not null,
  decided_by text,
  applied_by text,
  consumed_at timestamptz,
  decided_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint action_requests_signature unique (run_id, digest)
);
create index action_requests_state on core.action_requests (state, created_at);
create index action_requests_project on core.action_requests (project_id, created_at desc, id desc);

create table core.prompt_templates (
  id bigint generated always as identity primary key,
  scope_type text not null check (scope_type in ('global', 'project')),
  scope_id uuid references core.projects on delete cascade,
  role_key text not null,
  template_kind text not null check (template_kind in ('work', 'review')),
  locale text not null default 'en',
  body_markdown text not null,
  source text not null default 'db_override',
  render_context_version text not null default 'v1',
  version integer not null default 1,
  is_active boolean not null default true,
  checksum text not null,
  change_reason text,
  updated_by text,
  created_at timestamptz not null default now(),
  check ((scope_type = 'project') = (scope_id is not null))
);
create unique index prompt_templates_active on core.prompt_templates
  (scope_type, coalesce(scope_id, '00000000-0000-0000-0000-000000000000'::uuid), role_key, template_kind, locale) where is_active;

create table core.docs_meta (
  id uuid primary key default gen_random_uuid(),
  doc_id text not null constraint docs_meta_doc_id_key unique,
  title text not null,
  type text not null,
  status text not null default 'draft',
  body_markdown text not null,
  meta jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table core.learning_feedback (
  id bigint generated always as identity primary key,
  run_id uuid not null references core.agent_runs on delete cascade,
  repository_id uuid references core.repositories on delete set null,
  pr_number integer,
  file_path text,
  line integer,
  kind text not null check (kind in ('inline', 'post_pr')),
  explanation text not null,
  created_at timestamptz not null default now()
);
create index learning_feedback_run on core.learning_feedback (run_id, created_at);
