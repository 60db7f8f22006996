-- A commit that notifies holds a lock of the whole database until it is on disk, so such commits happen one by one. These events either begin
-- a run, which nobody can be following yet, or stand beside the event of a move in the same transaction; followers look each second anyway.
drop trigger flow_events_announce on audit.flow_events;
create trigger flow_events_announce after insert on audit.flow_events
  for each row when (new.run_id is not null and new.event_type not in ('run.enqueued', 'stage.transition', 'webhook.received'))
  execute function audit.announce_event();
