-- A namespace of the cluster that full-env runs of one agent work in on one issue. The row outlives its run: a revise run goes on in the
-- namespace, and only what is on record here, under the UID it was made with, is ever deleted. No foreign keys: a project that is removed
-- leaves its namespaces to be deleted.
create table core.run_namespaces (
  name text primary key,
  project_id uuid not null,
  subject text not null,
  agent_key text not null,
  run_id uuid not null,
  uid text,
  ttl_sec integer not null check (ttl_sec >= 0),
  leased_at timestamptz not null default now(),
  deleting_at timestamptz,
  created_at timestamptz not null default now()
);
comment on column core.run_namespaces.subject is 'what is worked on: issue/<number>, or run/<id> where there is no issue';
comment on column core.run_namespaces.run_id is 'the run that works in it, or did last';
comment on column core.run_namespaces.uid is 'of the object in the cluster; null until it was made';
comment on column core.run_namespaces.ttl_sec is 'how long it is kept while the owner may still ask for changes';
create unique index run_namespaces_in_use on core.run_namespaces (project_id, subject, agent_key) where deleting_at is null;
create index run_namespaces_run on core.run_namespaces (run_id);
