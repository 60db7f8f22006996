/**
 * kill -9 at random points: workers, control plane, gateway, agent runners and agents, at least 200 times, while issues are labelled. Set
 * CODEXK8S_CHAOS_SEED to repeat a run's choices and CODEXK8S_CHAOS_POINTS to change how many.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';
import { trialFolder, until } from './trial-platform.ts';

const seed = Number(process.env['CODEXK8S_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const points = Number(process.env['CODEXK8S_CHAOS_POINTS'] ?? 200);
const issueCount = 12;
const fence = '```';

/** Mulberry32: the same seed, the same choices. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Kills one live process of a run: `job` is the runner, `agent` the agent. */
function killOfRun(dataDir: string, file: 'job' | 'agent', random: () => number): boolean {
  const pids = readdirSync(join(dataDir, 'runs')).flatMap((run) => {
    try {
      const { pid } = JSON.parse(readFileSync(join(dataDir, 'runs', run, `${file}.json`), 'utf8')) as { pid: number };
      process.kill(pid, 0);
      // The pid must still be of this run: numbers are used again.
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`CODEXK8S_RUN_ID=${run}`) ? [pid] : [];
    } catch {
      return []; // none now, or ended meanwhile
    }
  });
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false; // ended this very moment
  }
}

/** Waits a moment for a process of a run to be there: otherwise the services would take all the blows, and no run would get to live. */
async function strikeRun(dataDir: string, file: 'job' | 'agent', random: () => number): Promise<boolean> {
  for (let tries = 0; tries < 8; tries += 1) {
    if (killOfRun(dataDir, file, random)) return true;
    await pause(100);
  }
  return false;
}

async function strike({ services, dataDir }: SeparateServices, random: () => number): Promise<string | undefined> {
  const dice = random();
  if (dice < 0.3) return (await strikeRun(dataDir, 'job', random)) ? 'runner' : undefined;
  if (dice < 0.6) return (await strikeRun(dataDir, 'agent', random)) ? 'agent' : undefined;
  const wanted = dice < 0.7 ? 'control-plane' : dice < 0.75 ? 'gateway' : 'worker';
  const chosen = services.filter(({ name }) => name.startsWith(wanted));
  const service = chosen[Math.floor(random() * chosen.length)];
  service?.kill();
  return service && wanted;
}

test(`${points} kills at random points (seed ${seed}) lose, double and stick nothing`, { timeout: 900_000 }, async () => {
  const random = randomOf(seed);
  const folder = trialFolder();
  await using platform = await startSeparateServices({ dataDir: folder.path, workers: 2 });
  const { api, store } = platform;
  await until('the policies', async () => {
    const result = await sql`update core.agent_policies set max_attempts = 10000`.execute(store.db);
    return (result.numAffectedRows ?? 0n) > 0n;
  });
  const issues: number[] = [];
  const kills = new Map<string, number>();
  const startedAt = performance.now();

  for (let done = 0; done < points;) {
    if (issues.length < issueCount && done * issueCount >= issues.length * points * 0.6) {
      const n = issues.length;
      const issue = await api.createIssue(
        `Chaos ${n}`,
        `${fence}file path=chaos/${n}.txt\nnumber ${n}\n${fence}\n\n${fence}sleep 1\n${fence}\n\n${fence}file path=chaos/${n}-second.txt\nagain ${n}\n${fence}\n`,
      );
      await api.label(issue, 'run:dev');
      issues.push(issue);
    }
    const killed = await strike(platform, random);
    if (killed) {
      kills.set(killed, (kills.get(killed) ?? 0) + 1);
      done += 1;
    }
    await pause(50 + random() * 300);
  }
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;
  console.log(
    `seed ${seed}, ${points} points: killed ${JSON.stringify(Object.fromEntries(kills))} in ${seconds(startedAt)}, ${issues.length} issues`,
  );
  const drainedFrom = performance.now();

  type Row = {
    issueNumber: number;
    runKind: string;
    status: string;
    prNumber: number | null;
    attempt: number;
    id: string;
    failureCode: string | null;
  };
  const rows = await until(
    'every run to come to its end',
    async () => {
      const { rows: all } =
        await sql<Row>`select id, issue_number, run_kind, status, pr_number, attempt, failure_code from core.agent_runs`.execute(store.db);
      const isDone =
        all.length === issues.length * 2 &&
        all.every(({ status }) => ['waiting_owner_review', 'succeeded', 'failed', 'timed_out'].includes(status));
      return isDone && all;
    },
    Number(process.env['CODEXK8S_CHAOS_DRAIN_MS'] ?? 300_000),
  ).catch(async (error: unknown) => {
    const { rows: left } = await sql`
      select r.issue_number, r.run_kind, r.status, r.attempt, r.lease_owner, r.lease_until, r.pending_reason, r.failure_code, r.attempt_result,
        (select array_agg(e.event_type || ' ' || to_char(e.created_at, 'MI:SS')) from (select * from audit.flow_events e where e.run_id = r.id order by e.id desc limit 8) e) as last_events
      from core.agent_runs r where r.status in ('pending', 'running', 'waiting_mcp', 'failed')`.execute(store.db);
    console.log(JSON.stringify({ issues, left, log: readFileSync(join(folder.path, 'services.log'), 'utf8').slice(-3000) }, undefined, 1));
    throw error;
  });

  const work = rows.filter(({ runKind }) => runKind === 'work');
  expect(rows.filter(({ status }) => status === 'failed' || status === 'timed_out')).toEqual([]);
  expect(work.map(({ issueNumber }) => issueNumber).toSorted((a, b) => a - b)).toEqual(issues);
  for (const { id, issueNumber, prNumber } of work) {
    const n = issues.indexOf(issueNumber);
    const branch = `codex/issue-${issueNumber}`;
    const pulls = await api.github<{ number: number; head: { ref: string } }[]>(
      'GET',
      `/repos/demo-owner/hello/pulls?state=all&per_page=100`,
    );
    expect(pulls.filter(({ head }) => head.ref === branch).map(({ number }) => number)).toEqual([prNumber]);
    expect([await api.fileAt(branch, `chaos/${n}.txt`), await api.fileAt(branch, `chaos/${n}-second.txt`)]).toEqual([
      `number ${n}\n`,
      `again ${n}\n`,
    ]);
    const { rows: events } = await sql<{ eventType: string; count: number }>`
      select event_type, count(*)::int as count from audit.flow_events where run_id = ${id} group by event_type`.execute(store.db);
    const count = new Map(events.map(({ eventType, count: times }) => [eventType, times]));
    for (const once of [
      'run.enqueued',
      'run.started',
      'run.pr.created',
      'run.delivery.verified',
      'approval.requested',
      'prompt.context.assembled',
    ]) {
      expect([issueNumber, once, count.get(once)]).toEqual([issueNumber, once, 1]);
    }
    await until('the one status comment', async () => {
      const comments = await api.github<{ body: string }[]>('GET', `/repos/demo-owner/hello/issues/${issueNumber}/comments`);
      expect(comments.length).toBeLessThanOrEqual(1);
      return comments[0]?.body.includes('"run_status":"waiting_owner_review"');
    });
    const reviews = await api.github<{ body: string }[]>('GET', `/repos/demo-owner/hello/pulls/${prNumber}/reviews`);
    expect(reviews).toHaveLength(1);
  }
  await until('every slot to be free', async () => {
    const { rows: leased } = await sql`select 1 from core.slots where state <> 'free'`.execute(store.db);
    return leased.length === 0;
  });
  console.log(`seed ${seed}, ${points} points: everything at its end ${seconds(drainedFrom)} after the last kill`);
  folder.remove();
});
