/** What both chaos suites share: choices by a seed, the work given to the agents, and what must be true afterwards. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { SeparateServices } from './separate-services.ts';
import { until } from './trial-platform.ts';

const fence = '```';

/** Mulberry32: the same seed, the same choices. */
export function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An issue whose agent works for some seconds; `n` tells what it must deliver. */
export function chaosBody(n: number, pauseSec = 1): string {
  return `${fence}file path=chaos/${n}.txt\nnumber ${n}\n${fence}\n\n${fence}sleep ${pauseSec}\n${fence}\n\n${fence}file path=chaos/${n}-second.txt\nagain ${n}\n${fence}\n`;
}

/** Nobody gives up: what is tested is that each loss is made good. */
export async function allowLosses({ store }: SeparateServices): Promise<void> {
  await until('the policies', async () => {
    const result = await sql`update core.agent_policies set max_attempts = 10000`.execute(store.db);
    return (result.numAffectedRows ?? 0n) > 0n;
  });
}

interface Row {
  readonly id: string;
  readonly issueNumber: number;
  readonly runKind: string;
  readonly status: string;
  readonly prNumber: number | null;
  readonly attempt: number;
}

/** Each issue has one run, one pull request with exactly what was asked for, one review and one comment; its events are complete and no slot is held. */
export async function expectEverythingOnce(
  platform: SeparateServices,
  { issues, drainMs }: { issues: readonly number[]; drainMs: number },
): Promise<readonly Row[]> {
  const { api, store } = platform;
  const rows = await allEnded(platform, { issues, drainMs });
  const work = rows.filter(({ runKind }) => runKind === 'work');
  expect(rows.filter(({ status }) => status === 'failed' || status === 'timed_out')).toEqual([]);
  expect(work.map(({ issueNumber }) => issueNumber).toSorted((a, b) => a - b)).toEqual(issues);
  for (const run of work) await expectDelivered(platform, run, issues.indexOf(run.issueNumber));
  await until('every slot to be free', async () => {
    const { rows: leased } = await sql`select 1 from core.slots where state <> 'free'`.execute(store.db);
    return leased.length === 0;
  });
  const pulls = await api.github<object[]>('GET', '/repos/demo-owner/hello/pulls?state=all&per_page=100');
  expect(pulls.length).toBe(issues.length);
  return rows;
}

async function allEnded(
  { store, dataDir }: SeparateServices,
  { issues, drainMs }: { issues: readonly number[]; drainMs: number },
): Promise<readonly Row[]> {
  const ended = async (): Promise<readonly Row[] | false> => {
    const { rows } = await sql<Row>`select id, issue_number, run_kind, status, pr_number, attempt from core.agent_runs`.execute(store.db);
    const isOver = rows.every(({ status }) => ['waiting_owner_review', 'succeeded', 'failed', 'timed_out'].includes(status));
    return rows.length === issues.length * 2 && isOver && rows;
  };
  return until('every run to come to its end', ended, drainMs).catch(async (error: unknown) => {
    const { rows: left } = await sql`
      select r.issue_number, r.run_kind, r.status, r.attempt, r.lease_owner, r.lease_until, r.pending_reason, r.failure_code, r.attempt_result,
        (select array_agg(e.event_type || ' ' || to_char(e.created_at, 'MI:SS'))
         from (select * from audit.flow_events e where e.run_id = r.id order by e.id desc limit 8) e) as last_events
      from core.agent_runs r where r.status in ('pending', 'running', 'waiting_mcp', 'failed')`.execute(store.db);
    console.log(JSON.stringify({ issues, left, log: readFileSync(join(dataDir, 'services.log'), 'utf8').slice(-3000) }, undefined, 1));
    throw error;
  });
}

const onceEach = [
  'run.enqueued',
  'run.started',
  'run.pr.created',
  'run.delivery.verified',
  'approval.requested',
  'prompt.context.assembled',
] as const;

async function expectDelivered({ api, store }: SeparateServices, { id, issueNumber, prNumber }: Row, n: number): Promise<void> {
  const branch = `codex/issue-${issueNumber}`;
  const pulls = await api.github<{ number: number; head: { ref: string } }[]>(
    'GET',
    '/repos/demo-owner/hello/pulls?state=all&per_page=100',
  );
  expect(pulls.filter(({ head }) => head.ref === branch).map(({ number }) => number)).toEqual([prNumber]);
  expect([await api.fileAt(branch, `chaos/${n}.txt`), await api.fileAt(branch, `chaos/${n}-second.txt`)]).toEqual([
    `number ${n}\n`,
    `again ${n}\n`,
  ]);
  const { rows: events } = await sql<{ eventType: string; count: number }>`
    select event_type, count(*)::int as count from audit.flow_events where run_id = ${id} group by event_type`.execute(store.db);
  const count = new Map(events.map(({ eventType, count: times }) => [eventType, times]));
  for (const once of onceEach) expect([issueNumber, once, count.get(once)]).toEqual([issueNumber, once, 1]);
  await until('the one status comment', async () => {
    const comments = await api.github<{ body: string }[]>('GET', `/repos/demo-owner/hello/issues/${issueNumber}/comments`);
    expect(comments.length).toBeLessThanOrEqual(1);
    return comments[0]?.body.includes('"run_status":"waiting_owner_review"');
  });
  const reviews = await api.github<object[]>('GET', `/repos/demo-owner/hello/pulls/${prNumber}/reviews`);
  expect(reviews).toHaveLength(1);
}
