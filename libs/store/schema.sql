CREATE SCHEMA audit;

CREATE SCHEMA core;

CREATE SCHEMA knowledge;

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';

CREATE FUNCTION audit.announce_event() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  perform pg_notify('codexk8s', 'event:' || new.run_id);
  return null;
end $$;

CREATE FUNCTION audit.announce_log() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  perform pg_notify('codexk8s', 'log:' || new.run_id);
  return null;
end $$;

CREATE FUNCTION audit.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  if current_setting('codexk8s.retention', true) = 'on' and tg_op = 'DELETE' then
    return old;
  end if;
  raise exception 'audit.% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

CREATE TABLE audit.agent_sessions (
    id bigint NOT NULL,
    run_id uuid NOT NULL,
    correlation_id text NOT NULL,
    project_id uuid NOT NULL,
    repository_full_name text NOT NULL,
    issue_number integer,
    branch_name text,
    pr_number integer,
    pr_url text,
    agent_key text NOT NULL,
    trigger_kind text NOT NULL,
    program text NOT NULL,
    model text,
    reasoning_effort text,
    template_kind text,
    template_source text,
    template_locale text,
    template_hash text,
    status text DEFAULT 'running'::text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    session_id text,
    turns integer DEFAULT 0 NOT NULL,
    snapshot text,
    snapshot_at timestamp with time zone,
    last_resume text,
    session_json jsonb DEFAULT '{}'::jsonb NOT NULL,
    wait_state text,
    timeout_guard_disabled boolean DEFAULT false NOT NULL,
    last_heartbeat_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agent_sessions_last_resume_check CHECK ((last_resume = ANY (ARRAY['fresh'::text, 'resumed'::text, 'rebuilt'::text, 'lost'::text]))),
    CONSTRAINT agent_sessions_status_check CHECK ((status = ANY (ARRAY['running'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text, 'failed_precondition'::text]))),
    CONSTRAINT agent_sessions_wait_state_check CHECK ((wait_state = ANY (ARRAY['owner_review'::text, 'mcp'::text])))
);

ALTER TABLE audit.agent_sessions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.agent_sessions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit.flow_events (
    id bigint NOT NULL,
    correlation_id text NOT NULL,
    run_id uuid,
    project_id uuid,
    actor_type text NOT NULL,
    actor_id text NOT NULL,
    event_type text NOT NULL,
    event_key text,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT flow_events_actor_type_check CHECK ((actor_type = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text])))
);

ALTER TABLE audit.flow_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.flow_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit.links (
    id bigint NOT NULL,
    source_type text NOT NULL,
    source_id text NOT NULL,
    target_type text NOT NULL,
    target_id text NOT NULL,
    link_type text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT links_link_type_check CHECK ((link_type = ANY (ARRAY['references'::text, 'implements'::text, 'supersedes'::text])))
);

ALTER TABLE audit.links ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.links_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit.run_log_chunks (
    run_id uuid NOT NULL,
    attempt integer NOT NULL,
    seq integer NOT NULL,
    first_line integer NOT NULL,
    line_count integer NOT NULL,
    lines jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE audit.run_log_heads (
    run_id uuid NOT NULL,
    lines integer DEFAULT 0 NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    truncated boolean DEFAULT false NOT NULL,
    expired boolean DEFAULT false NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE audit.token_usage (
    id bigint NOT NULL,
    run_id uuid NOT NULL,
    attempt integer NOT NULL,
    session_id text,
    model text NOT NULL,
    prompt_tokens bigint DEFAULT 0 NOT NULL,
    completion_tokens bigint DEFAULT 0 NOT NULL,
    total_tokens bigint GENERATED ALWAYS AS ((prompt_tokens + completion_tokens)) STORED,
    cost_usd numeric(18,6),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE audit.token_usage ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.token_usage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE core.action_requests (
    id bigint NOT NULL,
    correlation_id text NOT NULL,
    run_id uuid,
    project_id uuid NOT NULL,
    repository_id uuid,
    issue_number integer,
    pr_number integer,
    tool_name text NOT NULL,
    action text NOT NULL,
    target jsonb NOT NULL,
    digest text NOT NULL,
    approval_mode text DEFAULT 'owner'::text NOT NULL,
    state text DEFAULT 'requested'::text NOT NULL,
    question text,
    options jsonb,
    allow_custom boolean DEFAULT false NOT NULL,
    answer text,
    reason text,
    requested_by text NOT NULL,
    decided_by text,
    applied_by text,
    consumed_at timestamp with time zone,
    decided_at timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT action_requests_approval_mode_check CHECK ((approval_mode = ANY (ARRAY['owner'::text, 'delegated'::text]))),
    CONSTRAINT action_requests_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'denied'::text, 'expired'::text, 'failed'::text, 'applied'::text])))
);

ALTER TABLE core.action_requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.action_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE core.agent_policies (
    id bigint NOT NULL,
    policy_key text NOT NULL,
    runtime_mode text NOT NULL,
    max_parallel_runs integer DEFAULT 1 NOT NULL,
    run_timeout_sec integer DEFAULT 0 NOT NULL,
    owner_review_timeout_sec integer,
    kill_on_mcp_wait_timeout boolean DEFAULT false NOT NULL,
    approval_required_for_run_labels boolean DEFAULT true NOT NULL,
    max_attempts integer DEFAULT 3 NOT NULL,
    config jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agent_policies_kill_on_mcp_wait_timeout_check CHECK ((NOT kill_on_mcp_wait_timeout)),
    CONSTRAINT agent_policies_max_attempts_check CHECK ((max_attempts > 0)),
    CONSTRAINT agent_policies_max_parallel_runs_check CHECK ((max_parallel_runs > 0)),
    CONSTRAINT agent_policies_owner_review_timeout_sec_check CHECK ((owner_review_timeout_sec > 0)),
    CONSTRAINT agent_policies_run_timeout_sec_check CHECK ((run_timeout_sec >= 0)),
    CONSTRAINT agent_policies_runtime_mode_check CHECK ((runtime_mode = ANY (ARRAY['full-env'::text, 'code-only'::text])))
);

ALTER TABLE core.agent_policies ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.agent_policies_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE core.agent_runs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    correlation_id text NOT NULL,
    parent_run_id uuid,
    project_id uuid NOT NULL,
    repository_id uuid,
    repository_full_name text NOT NULL,
    agent_id uuid NOT NULL,
    agent_key text NOT NULL,
    program text NOT NULL,
    model text NOT NULL,
    reasoning_effort text NOT NULL,
    scripted boolean DEFAULT false NOT NULL,
    run_kind text NOT NULL,
    trigger_kind text NOT NULL,
    trigger_label text,
    triggered_by text NOT NULL,
    issue_number integer,
    issue_title text,
    issue_url text,
    pr_number integer,
    pr_url text,
    base_branch text NOT NULL,
    branch text NOT NULL,
    head_sha text,
    status text DEFAULT 'pending'::text NOT NULL,
    wait_reason text,
    wait_since timestamp with time zone,
    pending_reason text,
    retry_at timestamp with time zone,
    run_payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    learning_mode boolean DEFAULT false NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    losses integer DEFAULT 0 NOT NULL,
    slot_fence bigint,
    lease_owner text,
    lease_until timestamp with time zone,
    heartbeat_at timestamp with time zone,
    timeout_at timestamp with time zone,
    timeout_remaining_sec integer,
    report jsonb,
    attempt_result jsonb,
    verification jsonb,
    failure_code text,
    failure_message text,
    comment_id bigint,
    published_state text,
    publish_retry_at timestamp with time zone,
    cleaned_up_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agent_runs_check CHECK (((status = ANY (ARRAY['failed'::text, 'timed_out'::text])) <= (failure_code IS NOT NULL))),
    CONSTRAINT agent_runs_run_kind_check CHECK ((run_kind = ANY (ARRAY['work'::text, 'revise'::text, 'review'::text]))),
    CONSTRAINT agent_runs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting_mcp'::text, 'waiting_owner_review'::text, 'succeeded'::text, 'failed'::text, 'timed_out'::text, 'cancelled'::text]))),
    CONSTRAINT agent_runs_wait_reason_check CHECK ((wait_reason = ANY (ARRAY['mcp'::text, 'owner_review'::text])))
)
WITH (fillfactor='80');

CREATE TABLE core.agents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    agent_key text NOT NULL,
    role_kind text NOT NULL,
    project_id uuid,
    name text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    policy_id bigint NOT NULL,
    program text DEFAULT 'trial'::text NOT NULL,
    model text NOT NULL,
    reasoning_effort text DEFAULT 'high'::text NOT NULL,
    github_nick text,
    email text,
    token_encrypted bytea,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agents_check CHECK (((role_kind = 'custom'::text) = (project_id IS NOT NULL))),
    CONSTRAINT agents_role_kind_check CHECK ((role_kind = ANY (ARRAY['system'::text, 'custom'::text])))
);

CREATE TABLE core.closed_issues (
    repository_id uuid NOT NULL,
    issue_number integer NOT NULL,
    closed_at timestamp with time zone NOT NULL
);

COMMENT ON COLUMN core.closed_issues.closed_at IS 'by the clock of the code host, as its deliveries carry it';

CREATE TABLE core.docs_meta (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    doc_id text NOT NULL,
    title text NOT NULL,
    type text NOT NULL,
    status text DEFAULT 'draft'::text NOT NULL,
    body_markdown text NOT NULL,
    meta jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE core.issue_stages (
    repository_id uuid NOT NULL,
    issue_number integer NOT NULL,
    profile text NOT NULL,
    stage text NOT NULL,
    status text NOT NULL,
    active_run_id uuid,
    pr_number integer,
    target_stage text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT issue_stages_status_check CHECK ((status = ANY (ARRAY['in_progress'::text, 'in_review'::text, 'approved'::text, 'superseded'::text, 'abandoned'::text, 'failed'::text])))
);

CREATE TABLE core.learning_feedback (
    id bigint NOT NULL,
    run_id uuid NOT NULL,
    repository_id uuid,
    pr_number integer,
    file_path text,
    line integer,
    kind text NOT NULL,
    explanation text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT learning_feedback_kind_check CHECK ((kind = ANY (ARRAY['inline'::text, 'post_pr'::text])))
);

ALTER TABLE core.learning_feedback ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.learning_feedback_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE core.platform_github_tokens (
    id smallint DEFAULT 1 NOT NULL,
    platform_token_encrypted bytea,
    bot_token_encrypted bytea,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT platform_github_tokens_id_check CHECK ((id = 1))
);

CREATE TABLE core.project_members (
    project_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    learning_mode_override boolean,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT project_members_role_check CHECK ((role = ANY (ARRAY['read'::text, 'read_write'::text, 'admin'::text])))
);

CREATE TABLE core.projects (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_protected boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE core.prompt_templates (
    id bigint NOT NULL,
    scope_type text NOT NULL,
    scope_id uuid,
    role_key text NOT NULL,
    template_kind text NOT NULL,
    locale text DEFAULT 'en'::text NOT NULL,
    body_markdown text NOT NULL,
    source text DEFAULT 'db_override'::text NOT NULL,
    render_context_version text DEFAULT 'v1'::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    checksum text NOT NULL,
    change_reason text,
    updated_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT prompt_templates_check CHECK (((scope_type = 'project'::text) = (scope_id IS NOT NULL))),
    CONSTRAINT prompt_templates_scope_type_check CHECK ((scope_type = ANY (ARRAY['global'::text, 'project'::text]))),
    CONSTRAINT prompt_templates_template_kind_check CHECK ((template_kind = ANY (ARRAY['work'::text, 'review'::text])))
);

ALTER TABLE core.prompt_templates ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.prompt_templates_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE core.repositories (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    project_id uuid NOT NULL,
    provider text NOT NULL,
    external_id bigint NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    default_branch text NOT NULL,
    html_url text NOT NULL,
    clone_url text NOT NULL,
    token_encrypted bytea NOT NULL,
    services_yaml_path text DEFAULT 'services.yaml'::text NOT NULL,
    hook_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT repositories_provider_check CHECK ((provider = ANY (ARRAY['github'::text, 'gitlab'::text])))
);

CREATE TABLE core.run_namespaces (
    name text NOT NULL,
    project_id uuid NOT NULL,
    subject text NOT NULL,
    agent_key text NOT NULL,
    run_id uuid NOT NULL,
    uid text,
    ttl_sec integer NOT NULL,
    leased_at timestamp with time zone DEFAULT now() NOT NULL,
    deleting_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT run_namespaces_ttl_sec_check CHECK ((ttl_sec >= 0))
);

COMMENT ON COLUMN core.run_namespaces.subject IS 'what is worked on: issue/<number>, or run/<id> where there is no issue';

COMMENT ON COLUMN core.run_namespaces.run_id IS 'the run that works in it, or did last';

COMMENT ON COLUMN core.run_namespaces.uid IS 'of the object in the cluster; null until it was made';

COMMENT ON COLUMN core.run_namespaces.ttl_sec IS 'how long it is kept while the owner may still ask for changes';

CREATE TABLE core.slots (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    project_id uuid NOT NULL,
    slot_no integer NOT NULL,
    state text DEFAULT 'free'::text NOT NULL,
    run_id uuid,
    lease_owner text,
    lease_until timestamp with time zone,
    fence bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT slots_slot_no_check CHECK ((slot_no > 0)),
    CONSTRAINT slots_state_check CHECK ((state = ANY (ARRAY['free'::text, 'leased'::text, 'releasing'::text])))
);

CREATE TABLE core.system_settings (
    key text NOT NULL,
    value jsonb DEFAULT '{}'::jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE core.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    github_user_id bigint,
    github_login text,
    is_platform_admin boolean DEFAULT false NOT NULL,
    is_platform_owner boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_check CHECK ((email = lower(email)))
);

CREATE TABLE core.webhook_deliveries (
    delivery_id text NOT NULL,
    body_sha256 text NOT NULL,
    event_type text NOT NULL,
    action text,
    repository_full_name text,
    result text NOT NULL,
    reason text,
    run_id uuid,
    repository_id uuid,
    issue_number integer,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    needs_answer boolean DEFAULT false NOT NULL,
    answer_retry_at timestamp with time zone,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_deliveries_result_check CHECK ((result = ANY (ARRAY['accepted'::text, 'ignored'::text])))
);

CREATE TABLE knowledge.doc_chunks (
    id bigint NOT NULL,
    doc_id text NOT NULL,
    chunk_no integer NOT NULL,
    chunk_text text NOT NULL,
    embedding public.vector(3072),
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE knowledge.doc_chunks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME knowledge.doc_chunks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY audit.agent_sessions
    ADD CONSTRAINT agent_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.agent_sessions
    ADD CONSTRAINT agent_sessions_run_key UNIQUE (run_id);

ALTER TABLE ONLY audit.flow_events
    ADD CONSTRAINT flow_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.links
    ADD CONSTRAINT links_key UNIQUE (source_type, source_id, target_type, target_id, link_type);

ALTER TABLE ONLY audit.links
    ADD CONSTRAINT links_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.run_log_chunks
    ADD CONSTRAINT run_log_chunks_pkey PRIMARY KEY (run_id, attempt, seq);

ALTER TABLE ONLY audit.run_log_heads
    ADD CONSTRAINT run_log_heads_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY audit.token_usage
    ADD CONSTRAINT token_usage_attempt_key UNIQUE (run_id, attempt, model);

ALTER TABLE ONLY audit.token_usage
    ADD CONSTRAINT token_usage_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.action_requests
    ADD CONSTRAINT action_requests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.action_requests
    ADD CONSTRAINT action_requests_signature UNIQUE (run_id, digest);

ALTER TABLE ONLY core.agent_policies
    ADD CONSTRAINT agent_policies_key UNIQUE (policy_key);

ALTER TABLE ONLY core.agent_policies
    ADD CONSTRAINT agent_policies_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.agent_runs
    ADD CONSTRAINT agent_runs_correlation_key UNIQUE (correlation_id);

ALTER TABLE ONLY core.agent_runs
    ADD CONSTRAINT agent_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.closed_issues
    ADD CONSTRAINT closed_issues_pkey PRIMARY KEY (repository_id, issue_number);

ALTER TABLE ONLY core.docs_meta
    ADD CONSTRAINT docs_meta_doc_id_key UNIQUE (doc_id);

ALTER TABLE ONLY core.docs_meta
    ADD CONSTRAINT docs_meta_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.issue_stages
    ADD CONSTRAINT issue_stages_pkey PRIMARY KEY (repository_id, issue_number);

ALTER TABLE ONLY core.learning_feedback
    ADD CONSTRAINT learning_feedback_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.platform_github_tokens
    ADD CONSTRAINT platform_github_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.project_members
    ADD CONSTRAINT project_members_pkey PRIMARY KEY (project_id, user_id);

ALTER TABLE ONLY core.projects
    ADD CONSTRAINT projects_name_key UNIQUE (name);

ALTER TABLE ONLY core.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.projects
    ADD CONSTRAINT projects_slug_key UNIQUE (slug);

ALTER TABLE ONLY core.prompt_templates
    ADD CONSTRAINT prompt_templates_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.repositories
    ADD CONSTRAINT repositories_external_key UNIQUE (provider, external_id);

ALTER TABLE ONLY core.repositories
    ADD CONSTRAINT repositories_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.run_namespaces
    ADD CONSTRAINT run_namespaces_pkey PRIMARY KEY (name);

ALTER TABLE ONLY core.slots
    ADD CONSTRAINT slots_no_key UNIQUE (project_id, slot_no);

ALTER TABLE ONLY core.slots
    ADD CONSTRAINT slots_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.system_settings
    ADD CONSTRAINT system_settings_pkey PRIMARY KEY (key);

ALTER TABLE ONLY core.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY core.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (delivery_id);

ALTER TABLE ONLY knowledge.doc_chunks
    ADD CONSTRAINT doc_chunks_key UNIQUE (doc_id, chunk_no);

ALTER TABLE ONLY knowledge.doc_chunks
    ADD CONSTRAINT doc_chunks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

CREATE INDEX agent_sessions_branch ON audit.agent_sessions USING btree (repository_full_name, branch_name, agent_key, created_at);

CREATE INDEX agent_sessions_issue ON audit.agent_sessions USING btree (repository_full_name, issue_number, created_at);

CREATE INDEX flow_events_correlation ON audit.flow_events USING btree (correlation_id, id);

CREATE INDEX flow_events_created ON audit.flow_events USING btree (created_at);

CREATE UNIQUE INDEX flow_events_key ON audit.flow_events USING btree (run_id, event_key) WHERE (event_key IS NOT NULL);

CREATE INDEX flow_events_run ON audit.flow_events USING btree (run_id, id) WHERE (run_id IS NOT NULL);

CREATE INDEX flow_events_type ON audit.flow_events USING btree (event_type, created_at);

CREATE INDEX links_target ON audit.links USING btree (target_type, target_id, created_at);

CREATE INDEX run_log_chunks_created ON audit.run_log_chunks USING btree (created_at);

CREATE INDEX run_log_chunks_line ON audit.run_log_chunks USING btree (run_id, first_line);

CREATE INDEX action_requests_project ON core.action_requests USING btree (project_id, created_at DESC, id DESC);

CREATE INDEX action_requests_state ON core.action_requests USING btree (state, created_at);

CREATE INDEX agent_runs_issue ON core.agent_runs USING btree (repository_id, issue_number, created_at DESC);

CREATE INDEX agent_runs_newest ON core.agent_runs USING btree (created_at DESC, id DESC);

CREATE UNIQUE INDEX agent_runs_one_active_stage_run ON core.agent_runs USING btree (repository_id, issue_number) WHERE ((run_kind <> 'review'::text) AND (status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting_mcp'::text])));

CREATE INDEX agent_runs_open ON core.agent_runs USING btree (status) WHERE (status = ANY (ARRAY['running'::text, 'waiting_mcp'::text, 'waiting_owner_review'::text]));

CREATE INDEX agent_runs_parent ON core.agent_runs USING btree (parent_run_id);

CREATE INDEX agent_runs_pending ON core.agent_runs USING btree (created_at) WHERE (status = 'pending'::text);

CREATE INDEX agent_runs_project ON core.agent_runs USING btree (project_id, created_at DESC, id DESC);

CREATE INDEX agent_runs_reported ON core.agent_runs USING btree (lease_owner) WHERE ((attempt_result IS NOT NULL) AND (status = ANY (ARRAY['running'::text, 'waiting_mcp'::text])));

CREATE INDEX agent_runs_review_due ON core.agent_runs USING btree ((((wait_since AT TIME ZONE 'utc'::text) + make_interval(secs => (((policy ->> 'owner_review_timeout_sec'::text))::integer)::double precision)))) WHERE (status = 'waiting_owner_review'::text);

CREATE INDEX agent_runs_uncleaned ON core.agent_runs USING btree (finished_at) WHERE ((cleaned_up_at IS NULL) AND (finished_at IS NOT NULL));

CREATE INDEX agent_runs_unpublished ON core.agent_runs USING btree (updated_at) WHERE (published_state IS DISTINCT FROM ((((status || ':'::text) || attempt) || ':'::text) || COALESCE(pr_number, 0)));

CREATE INDEX agent_runs_work_due ON core.agent_runs USING btree (timeout_at) WHERE ((status = 'running'::text) AND (attempt_result IS NULL));

CREATE INDEX agent_runs_working ON core.agent_runs USING btree (project_id, agent_key) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text, 'waiting_mcp'::text]));

CREATE UNIQUE INDEX agents_custom_key ON core.agents USING btree (project_id, agent_key) WHERE (role_kind = 'custom'::text);

CREATE UNIQUE INDEX agents_system_key ON core.agents USING btree (agent_key) WHERE (role_kind = 'system'::text);

CREATE INDEX learning_feedback_run ON core.learning_feedback USING btree (run_id, created_at);

CREATE INDEX project_members_user ON core.project_members USING btree (user_id);

CREATE UNIQUE INDEX prompt_templates_active ON core.prompt_templates USING btree (scope_type, COALESCE(scope_id, '00000000-0000-0000-0000-000000000000'::uuid), role_key, template_kind, locale) WHERE is_active;

CREATE INDEX repositories_full_name ON core.repositories USING btree (provider, lower(owner), lower(name));

CREATE INDEX repositories_project ON core.repositories USING btree (project_id);

CREATE UNIQUE INDEX run_namespaces_in_use ON core.run_namespaces USING btree (project_id, subject, agent_key) WHERE (deleting_at IS NULL);

CREATE INDEX run_namespaces_run ON core.run_namespaces USING btree (run_id);

CREATE INDEX slots_free ON core.slots USING btree (project_id, slot_no) WHERE (state = 'free'::text);

CREATE UNIQUE INDEX slots_run_key ON core.slots USING btree (run_id);

CREATE INDEX slots_taken ON core.slots USING btree (project_id) WHERE (state <> 'free'::text);

CREATE UNIQUE INDEX users_email_key ON core.users USING btree (email);

CREATE INDEX users_github_login ON core.users USING btree (lower(github_login));

CREATE UNIQUE INDEX users_github_user_id_key ON core.users USING btree (github_user_id);

CREATE UNIQUE INDEX users_one_owner ON core.users USING btree (is_platform_owner) WHERE is_platform_owner;

CREATE INDEX webhook_deliveries_body ON core.webhook_deliveries USING btree (body_sha256, event_type, received_at);

CREATE INDEX webhook_deliveries_received ON core.webhook_deliveries USING btree (received_at);

CREATE INDEX webhook_deliveries_unanswered ON core.webhook_deliveries USING btree (received_at) WHERE needs_answer;

CREATE INDEX doc_chunks_metadata ON knowledge.doc_chunks USING gin (metadata);

CREATE TRIGGER flow_events_announce AFTER INSERT ON audit.flow_events FOR EACH ROW WHEN (((new.run_id IS NOT NULL) AND (new.event_type <> ALL (ARRAY['run.enqueued'::text, 'stage.transition'::text, 'webhook.received'::text])))) EXECUTE FUNCTION audit.announce_event();

CREATE TRIGGER flow_events_append_only BEFORE DELETE OR UPDATE ON audit.flow_events FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER run_log_heads_announce AFTER INSERT OR UPDATE ON audit.run_log_heads FOR EACH ROW EXECUTE FUNCTION audit.announce_log();

ALTER TABLE ONLY core.action_requests
    ADD CONSTRAINT action_requests_project_id_fkey FOREIGN KEY (project_id) REFERENCES core.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.action_requests
    ADD CONSTRAINT action_requests_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES core.repositories(id) ON DELETE SET NULL;

ALTER TABLE ONLY core.action_requests
    ADD CONSTRAINT action_requests_run_id_fkey FOREIGN KEY (run_id) REFERENCES core.agent_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.agent_runs
    ADD CONSTRAINT agent_runs_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES core.agents(id);

ALTER TABLE ONLY core.agent_runs
    ADD CONSTRAINT agent_runs_parent_run_id_fkey FOREIGN KEY (parent_run_id) REFERENCES core.agent_runs(id) ON DELETE SET NULL;

ALTER TABLE ONLY core.agent_runs
    ADD CONSTRAINT agent_runs_project_id_fkey FOREIGN KEY (project_id) REFERENCES core.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.agent_runs
    ADD CONSTRAINT agent_runs_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES core.repositories(id) ON DELETE SET NULL;

ALTER TABLE ONLY core.agents
    ADD CONSTRAINT agents_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES core.agent_policies(id);

ALTER TABLE ONLY core.agents
    ADD CONSTRAINT agents_project_id_fkey FOREIGN KEY (project_id) REFERENCES core.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.closed_issues
    ADD CONSTRAINT closed_issues_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES core.repositories(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.issue_stages
    ADD CONSTRAINT issue_stages_active_run_id_fkey FOREIGN KEY (active_run_id) REFERENCES core.agent_runs(id) ON DELETE SET NULL;

ALTER TABLE ONLY core.issue_stages
    ADD CONSTRAINT issue_stages_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES core.repositories(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.learning_feedback
    ADD CONSTRAINT learning_feedback_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES core.repositories(id) ON DELETE SET NULL;

ALTER TABLE ONLY core.learning_feedback
    ADD CONSTRAINT learning_feedback_run_id_fkey FOREIGN KEY (run_id) REFERENCES core.agent_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.project_members
    ADD CONSTRAINT project_members_project_id_fkey FOREIGN KEY (project_id) REFERENCES core.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.project_members
    ADD CONSTRAINT project_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES core.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.prompt_templates
    ADD CONSTRAINT prompt_templates_scope_id_fkey FOREIGN KEY (scope_id) REFERENCES core.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.repositories
    ADD CONSTRAINT repositories_project_id_fkey FOREIGN KEY (project_id) REFERENCES core.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.slots
    ADD CONSTRAINT slots_project_id_fkey FOREIGN KEY (project_id) REFERENCES core.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY core.slots
    ADD CONSTRAINT slots_run_id_fkey FOREIGN KEY (run_id) REFERENCES core.agent_runs(id) ON DELETE SET NULL;

