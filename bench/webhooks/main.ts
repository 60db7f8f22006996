/**
 * Accepting webhooks: how many signed `issues.labeled` deliveries a second become a delivery row, a run and its events, beside Probot, which
 * checks the same signature of the same bytes and stores nothing, and beside pgbench writing the same rows. They take turns in one run.
 */
import { once } from 'node:events';
import { startPostgres } from '@codex-k8s/testkit';
import { median, ms, perSecond, percentile, ratio, table } from '../figures.ts';
import { describeMachine } from '../machine.ts';
import { runPgbench } from '../pgbench.ts';
import { cpuMsOf } from '../proc.ts';
import { runForJson, startProcess, type Process } from '../processes.ts';
import { query, serverPid } from '../query.ts';
import type { Load, Outcome } from './load.ts';
import { startPlatform } from './platform.ts';
import { prepareSql, scripts } from './raw-rows.ts';
import { countStored, problemsOf } from './stored.ts';

const closed = { connections: [16, 64], rounds: 5, perRound: 3_000, pgbenchSec: 4 };
const open = { perSecond: 300, count: 9_000 };

await using stack = new AsyncDisposableStack();
const postgres = await startPostgres([]); // as a deployment has it: fsync and synchronous_commit stay on
stack.defer(() => postgres.stop());
console.log(`## Webhooks\n\n${describeMachine(postgres.binDir)}\n`);
const platform = stack.use(await startPlatform(postgres.url));
const probot = stack.use(startProcess('bench/webhooks/probot-server.ts', { WEBHOOK_SECRET: platform.secret }));
await query(postgres.url, prepareSql);

interface Subject {
  readonly name: string;
  readonly url: string;
  readonly stores: boolean;
  /** Processes that work for it. */
  readonly pids: Readonly<Record<string, number>>;
}
const subjects: readonly Subject[] = [
  {
    name: 'Probot, stores nothing',
    url: `http://127.0.0.1:${await portOf(probot)}/api/github/webhooks`,
    stores: false,
    pids: { Probot: probot.pid },
  },
  {
    name: 'codex-k8s, stores everything',
    url: platform.webhookUrl,
    stores: true,
    pids: { ...platform.pids, PostgreSQL: await serverPid(postgres.url) },
  },
];

let nextIssue = 1;

interface Sent extends Outcome {
  /** Milliseconds of processor time that each process of the subject took for it, in their order. */
  readonly cpuMs: readonly number[];
}

/** One load on one subject. What ours accepted must be on record exactly once. */
async function send({ url, stores, name, pids }: Subject, { count, loop }: Pick<Load, 'count' | 'loop'>): Promise<Sent> {
  const firstIssue = nextIssue;
  nextIssue += count;
  const load: Load = { repository: platform.repository, secret: platform.secret, url, firstIssue, count, loop };
  const cpuBefore = Object.values(pids).map(cpuMsOf);
  const outcome = await runForJson<Outcome>('bench/webhooks/client.ts', load);
  const cpuMs = Object.values(pids).map((pid, n) => cpuMsOf(pid) - (cpuBefore[n] ?? 0));
  const stored = stores ? await countStored(postgres.url, { firstIssue, count }) : {};
  for (const problem of problemsOf({ statuses: outcome.statuses, count, stored })) {
    console.error(`${name}: ${problem}`);
    process.exitCode = 1;
  }
  return { ...outcome, cpuMs };
}

function rateOf(outcomes: readonly Outcome[]): number {
  return median(outcomes.map(({ latenciesMs, elapsedMs }) => (latenciesMs.length / elapsedMs) * 1000));
}

function latenciesOf(outcomes: readonly Outcome[]): string[] {
  const all = outcomes.flatMap(({ latenciesMs }) => latenciesMs);
  return [0.5, 0.95, 0.99].map((share) => ms(percentile(all, share)));
}

for (const subject of subjects) await send(subject, { count: 3_000, loop: { connections: 16 } }); // warm
await query(postgres.url, 'vacuum analyze'); // as autovacuum would within a minute: no plan for empty tables stays
console.log(`Open loop, ${open.perSecond}/s, ${open.count} deliveries, latency from the time a delivery was due\n`);
const paced: string[][] = [];
for (const subject of subjects) {
  const outcome = await send(subject, { count: open.count, loop: { perSecond: open.perSecond } });
  paced.push([subject.name, perSecond(rateOf([outcome])), ...latenciesOf([outcome])]);
}
console.log(`${table(['', 'answered', 'p50', 'p95', 'p99'], paced)}\n`);
for (const connections of closed.connections) await runClosed(connections);

async function runClosed(connections: number): Promise<void> {
  const sent = new Map<Subject, Sent[]>(subjects.map((subject) => [subject, []]));
  const raw: { readonly delivery: number[]; readonly allRows: number[] } = { delivery: [], allRows: [] };
  for (let round = 0; round < closed.rounds; round += 1) {
    for (const [subject, list] of sent) list.push(await send(subject, { count: closed.perRound, loop: { connections } }));
    const pgbench = { ...postgres, connections, for: { seconds: closed.pgbenchSec } };
    raw.delivery.push(runPgbench(scripts.delivery, pgbench));
    raw.allRows.push(runPgbench(scripts.allRows, pgbench));
  }
  const [probotRate = Number.NaN] = [...sent.values()].map(rateOf);
  console.log(`Closed loop, ${connections} connections, ${closed.rounds} rounds of ${closed.perRound} deliveries, median rate\n`);
  console.log(
    table(
      ['', 'rate', 'of Probot', 'p50', 'p95', 'p99'],
      [
        ...[...sent].map(([{ name }, list]) => [name, perSecond(rateOf(list)), ratio(rateOf(list), probotRate), ...latenciesOf(list)]),
        ['pgbench, all rows of a delivery', perSecond(median(raw.allRows)), ratio(median(raw.allRows), probotRate), '', '', ''],
        ['pgbench, its webhook_deliveries row', perSecond(median(raw.delivery)), ratio(median(raw.delivery), probotRate), '', '', ''],
      ],
    ),
  );
  console.log(`\nProcessor time per delivery: ${[...sent].map(describeCpu).join('; ')}\n`);
}

function describeCpu([{ pids }, list]: [Subject, Sent[]]): string {
  const perDelivery = Object.keys(pids).map(
    (name, n) => [name, median(list.map(({ cpuMs }) => cpuMs[n] ?? Number.NaN)) / closed.perRound] as const,
  );
  return perDelivery.map(([name, each]) => `${name} ${each.toFixed(2)} ms`).join(', ');
}

async function portOf({ child }: Process): Promise<number> {
  if (!child.stdout) throw new Error('Probot has no output');
  const [line] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
  if (!Buffer.isBuffer(line)) throw new Error('Probot ended before it listened');
  return Number(line.toString());
}
