/** What the deliveries of a round left in the database, to be compared with what was answered. */
import { query } from '../query.ts';

/** Rows of these issues in every table that an accepted delivery writes, by table or event. */
export async function countStored(
  url: string,
  { firstIssue, count }: { firstIssue: number; count: number },
): Promise<Readonly<Record<string, number>>> {
  const rows = await query<{ what: string; found: number }>(
    url,
    `with runs as (select id from core.agent_runs where issue_number between $1 and $2 and status = 'pending')
     select 'runs' as what, count(*)::int as found from runs
     union all select 'deliveries', count(*)::int from core.webhook_deliveries where issue_number between $1 and $2 and result = 'accepted'
     union all select 'runs of deliveries', count(distinct run_id)::int from core.webhook_deliveries where run_id in (select id from runs)
     union all select 'sessions', count(*)::int from audit.agent_sessions where run_id in (select id from runs)
     union all select 'stages', count(*)::int from core.issue_stages where issue_number between $1 and $2 and active_run_id in (select id from runs)
     union all select type, (select count(*)::int from audit.flow_events where event_type = type and run_id in (select id from runs))
       from unnest(array['run.enqueued', 'stage.transition', 'webhook.received']) type`,
    [firstIssue, firstIssue + count - 1],
  );
  return Object.fromEntries(rows.map(({ what, found }) => [what, found]));
}

export interface Comparison {
  readonly count: number;
  readonly statuses: Readonly<Record<number, number>>;
  readonly stored: Readonly<Record<string, number>>;
}

/** A sentence about everything that is not there exactly once per delivery; none when all is right. */
export function problemsOf({ statuses, count, stored }: Comparison): string[] {
  const accepted = (statuses[200] ?? 0) + (statuses[202] ?? 0);
  const answers = accepted === count ? [] : [`${count} deliveries were answered ${JSON.stringify(statuses)}`];
  const rows = Object.entries(stored).filter(([, found]) => found !== count);
  return [...answers, ...rows.map(([what, found]) => `${count} deliveries left ${found} ${what}`)];
}
