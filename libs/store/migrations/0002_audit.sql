create table audit.flow_events (
  id bigint generated always as identity primary key,
  correlation_id text not null,
  run_id uuid,
  project_id uuid,
  actor_type text not null check (actor_type in ('human', 'agent', 'system')),
  actor_id text not null,
  event_type text not null,
  event_key text,
  payload jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index flow_events_correlation on audit.flow_events (correlation_id, id);
create index flow_events_run on audit.flow_events (run_id, id) where run_id is not null;
create index flow_events_type on audit.flow_events (event_type, created_at);
create index flow_events_created on audit.flow_events (created_at);
-- What a caller may repeat is recorded once.
create unique index flow_events_key on audit.flow_events (run_id, event_key) where event_key is not null;

-- The record of what happened is append-only; retention sets codexk8s.retention for its own transaction.
create function audit.refuse_change() returns trigger language plpgsql as $$
begin
  if current_setting('codexk8s.retention', true) = 'on' and tg_op = 'DELETE' then
    return old;
  end if;
  raise exception 'audit.% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger flow_events_append_only before update or delete on audit.flow_events
  for each row execute function audit.refuse_change();

create table audit.agent_sessions (
  id bigint generated always as identity primary key,
  run_id uuid not null constraint agent_sessions_run_key unique,
  correlation_id text not null,
  project_id uuid not null,
  repository_full_name text not null,
  issue_number integer,
  branch_name text,
  pr_number integer,
  pr_url text,
  agent_key text not null,
  trigger_kind text not null,
  program text not null,
  model text,
  reasoning_effort text,
  template_kind text,
  template_source text,
  template_locale text,
  template_hash text,
  status text not null default 'running' check (status in ('running', 'succeeded', 'failed', 'cancelled', 'failed_precondition')),
  attempt integer not null default 0,
  session_id text,
  turns integer not null default 0,
  snapshot text,
  snapshot_at timestamptz,
  last_resume text check (last_resume in ('fresh', 'resumed', 'rebuilt', 'lost')),
  session_json jsonb not null default '{}',
  wait_state text check (wait_state in ('owner_review', 'mcp')),
  timeout_guard_disabled boolean not null default false,
  last_heartbeat_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index agent_sessions_branch on audit.agent_sessions (repository_full_name, branch_name, agent_key, created_at);
create index agent_sessions_issue on audit.agent_sessions (repository_full_name, issue_number, created_at);

create table audit.token_usage (
  id bigint generated always as identity primary key,
  run_id uuid not null,
  attempt integer not null,
  session_id text,
  model text not null,
  prompt_tokens bigint not null default 0,
  completion_tokens bigint not null default 0,
  total_tokens bigint generated always as (prompt_tokens + completion_tokens) stored,
  cost_usd numeric(18, 6),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint token_usage_attempt_key unique (run_id, attempt, model)
);

create table audit.links (
  id bigint generated always as identity primary key,
  source_type text not null,
  source_id text not null,
  target_type text not null,
  target_id text not null,
  link_type text not null check (link_type in ('references', 'implements', 'supersedes')),
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  constraint links_key unique (source_type, source_id, target_type, target_id, link_type)
);
create index links_target on audit.links (target_type, target_id, created_at);

create table audit.run_log_heads (
  run_id uuid primary key,
  lines integer not null default 0,
  bytes bigint not null default 0,
  truncated boolean not null default false,
  expired boolean not null default false,
  updated_at timestamptz not null default now()
);

create table audit.run_log_chunks (
  run_id uuid not null,
  attempt integer not null,
  seq integer not null,
  first_line integer not null,
  line_count integer not null,
  lines jsonb not null,
  created_at timestamptz not null default now(),
  primary key (run_id, attempt, seq)
);
create index run_log_chunks_line on audit.run_log_chunks (run_id, first_line);
create index run_log_chunks_created on audit.run_log_chunks (created_at);

-- One channel for all wake-ups; a lost one costs latency only. Triggers, so that no writer can forget.
create function audit.announce_event() returns trigger language plpgsql as $$
begin
  perform pg_notify('codexk8s', 'event:' || new.run_id);
  return null;
end $$;
create trigger flow_events_announce after insert on audit.flow_events
  for each row when (new.run_id is not null) execute function audit.announce_event();

create function audit.announce_log() returns trigger language plpgsql as $$
begin
  perform pg_notify('codexk8s', 'log:' || new.run_id);
  return null;
end $$;
create trigger run_log_heads_announce after insert or update on audit.run_log_heads
  for each row execute function audit.announce_log();
