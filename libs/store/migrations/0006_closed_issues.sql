-- Deliveries of a code host come in any order and come again, so that an issue was closed is kept: a label that was set before, told of after,
-- starts nothing. A reopened issue leaves.
create table core.closed_issues (
  repository_id uuid not null references core.repositories on delete cascade,
  issue_number integer not null,
  closed_at timestamptz not null,
  primary key (repository_id, issue_number)
);
comment on column core.closed_issues.closed_at is 'by the clock of the code host, as its deliveries carry it';
