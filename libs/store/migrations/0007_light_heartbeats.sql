-- What is written of every working run every few seconds, its sign of life and its lease, touches no index any more: PostgreSQL then writes the
-- row alone, into room that is left in its page for that. The counts of a claim and the look for reported results read only the rows they mean.
drop index core.agent_runs_open;
create index agent_runs_open on core.agent_runs (status) where status in ('running', 'waiting_mcp', 'waiting_owner_review');
create index agent_runs_working on core.agent_runs (project_id, agent_key) where status in ('pending', 'running', 'waiting_mcp');
create index agent_runs_reported on core.agent_runs (lease_owner) where attempt_result is not null and status in ('running', 'waiting_mcp');
alter table core.agent_runs set (fillfactor = 80);
