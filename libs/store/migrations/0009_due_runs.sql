-- The look for runs that are out of time, once a second in each worker, reads those alone. The end of a review is the sum of two columns; an index
-- takes it in UTC only, since what is added to a time in general depends on the session's time zone.
create index agent_runs_work_due on core.agent_runs (timeout_at) where status = 'running' and attempt_result is null;
create index agent_runs_review_due
  on core.agent_runs ((wait_since at time zone 'utc' + make_interval(secs => (policy ->> 'owner_review_timeout_sec')::int)))
  where status = 'waiting_owner_review';
