/**
 * Runs at scale on simulated nodes: thousands in flight, and a steady stream beside them, by two workers; beside Jobs that the same client makes
 * in the same cluster with nothing behind them. Every part shares the machine: cluster, database, platform, code host and the simulated runners.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { applyRunNamespace, connectKube, labels } from '@codex-k8s/kube';
import { sql } from 'kysely';
import { down, up } from '../../dev/cluster/src/cluster.ts';
import { simulatedRuns } from '../../dev/cluster/src/pod-stages.ts';
import { startSimulatedRunners } from '../../dev/simulated-runners/src/simulated-runners.ts';
import { installRights } from '../../tests/cluster/install-rights.ts';
import { allowSlots, startOnSimulatedNodes } from '../../tests/e2e/simulated-platform.ts';
import { until } from '../../tests/e2e/trial-platform.ts';
import { ms, percentile, perSecond, ratio, table } from '../figures.ts';
import { describeMachine } from '../machine.ts';
import { memoryOf } from '../proc.ts';
import { runForJson } from '../processes.ts';
import { readClusterFigures } from './cluster-figures.ts';
import { watchRunningPods } from './running-pods.ts';

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const inFlight = number('CODEXK8S_SCALE_IN_FLIGHT', 1_000);
const paced = { perHour: 20_000, count: number('CODEXK8S_SCALE_PACED', 200) };
const rawCount = Math.min(inFlight, 1_000);
const repositoryCount = 100; // each has a token, and each token may write once a second
const projectCount = 20;
const deliversEvery = 10;
const name = 'scale';
const longMs = 3_600_000;
const problems: string[] = [];
const runnerFailures: string[] = [];

console.log(`## Scale\n\n${describeMachine()}\n`);
await using stack = new AsyncDisposableStack();
stack.defer(async () => void (await down(name)));
const nodes = Math.ceil((inFlight + 500) / 1_000) + 1;
const { kubeconfig } = await up({ name, rung: 'simulated', simulatedNodes: nodes, log: (line) => console.error(line) });
const kube = connectKube({ kubeconfig });
const running = stack.use(watchRunningPods(kube));

interface Rates {
  /** Jobs per second. */
  readonly made: number;
  /** Of their pods, from the first to the last: what the cluster keeps up with. */
  readonly running: number;
}

function rateOf(times: readonly number[]): number {
  return ((times.length - 1) / ((times.at(-1) ?? 0) - (times[0] ?? 0))) * 1_000;
}

/** Of two processes together. */
async function measureRaw(withSecret: boolean): Promise<Rates> {
  const seenBefore = running.seenAt.length;
  const namespace = `raw-${withSecret ? 'both' : 'jobs'}`;
  await applyRunNamespace(kube, { namespace, mode: 'code-only', projectId: 'raw', pods: rawCount * 2 });
  const input = {
    kubeconfig,
    namespace,
    count: rawCount / 2,
    withSecret,
    nodes: simulatedRuns,
  };
  const both = await Promise.all(
    [1, 2].map(async () => runForJson<{ startedAt: number; endedAt: number }>('bench/scale/raw-jobs.ts', input)),
  );
  const tookMs = Math.max(...both.map(({ endedAt }) => endedAt)) - Math.min(...both.map(({ startedAt }) => startedAt));
  await until('the pods of the raw Jobs to run', async () => running.seenAt.length === seenBefore + rawCount, longMs, 200);
  const rates = { made: (rawCount / tookMs) * 1_000, running: rateOf(running.seenAt.slice(seenBefore)) };
  await kube.core.deleteNamespace({ name: namespace });
  const isGone = async () => (await kube.core.listNamespace()).items.every(({ metadata }) => metadata?.name !== namespace);
  await until('the raw Jobs to be gone', isGone, longMs, 1_000);
  return rates;
}

await installRights(kube); // the same admission policies for both
const raw = { jobs: await measureRaw(false), both: await measureRaw(true) }; // before there are workers, which would take these Jobs for orphans
const platform = stack.use(
  await startOnSimulatedNodes(kube, {
    repositories: repositoryCount,
    projects: projectCount,
    inFlight,
    maxAttempts: 1,
    nodes: simulatedRuns,
    environment: { CODEXK8S_WORKER_HEARTBEAT_TIMEOUT: '300', CODEXK8S_WORKER_SLOT_LEASE_TTL: '60', CODEXK8S_LOG_LEVEL: 'error' },
  }),
);
const { store, repositories } = platform;
const workers = platform.services.filter((service) => service.name.startsWith('worker'));
const memory = (): number[] => workers.map(({ pid }) => (pid === undefined ? Number.NaN : memoryOf(pid).rssMib));

const count = async (where: ReturnType<typeof sql>): Promise<number> =>
  (await sql<{ count: number }>`select count(*)::int as count from core.agent_runs where ${where}`.execute(store.db)).rows[0]?.count ?? -1;
/** Of each run with this trigger, in ms: from its row to the record that Job and Secret are made. */
async function starts(after: Date): Promise<{ waitedMs: number; at: number }[]> {
  const { rows } = await sql<{ waited: number; at: Date }>`
    select extract(epoch from e.created_at - r.created_at)::float8 * 1000 as waited, e.created_at as at
    from core.agent_runs r join audit.flow_events e on e.run_id = r.id and e.event_type = 'run.attempt.started'
    where e.created_at >= ${after} order by e.created_at`.execute(store.db);
  return rows.map(({ waited, at }) => ({ waitedMs: waited, at: at.getTime() }));
}
async function label(n: number): Promise<void> {
  const api = repositories[n % repositoryCount];
  if (api) await api.label(await api.createIssue(`Scale ${n}`, 'Do it.'), 'run:dev');
}

const released = Promise.withResolvers<'fails'>();
let isHolding = true;
let begun = 0;
await using _runners = startSimulatedRunners(kube, {
  githubApiUrl: platform.github.apiUrl,
  work: async ({ kind }) => {
    begun += 1;
    if (isHolding) return released.promise;
    return kind === 'review' || begun % deliversEvery === 0 ? 'delivers' : 'fails';
  },
  onError: (error, { runId }) => runnerFailures.push(`the runner of ${runId}: ${String(error)}`),
});

await allowSlots(store, 0); // the gate: no project has a slot while its runs are made
for (let n = 0; n < inFlight; n += repositoryCount)
  await Promise.all(Array.from({ length: Math.min(repositoryCount, inFlight - n) }, (_, k) => label(n + k)));
await until('a run for each label', async () => (await count(sql`true`)) === inFlight, longMs, 1_000);
const seenBefore = running.seenAt.length;
const [before, memoryBefore, openedAt] = [await readClusterFigures(name), memory(), new Date()];
await allowSlots(store, inFlight);
await until('every run to be at work', async () => begun >= inFlight && (await count(sql`status = 'running'`)) === inFlight, longMs, 1_000);
const [memoryDuring, flood] = [memory(), await starts(openedAt)];
const isCounted = (): Promise<void> => sleep(65_000); // the API server counts its objects once a minute
await isCounted();
const during = await readClusterFigures(name);
const ours: Rates = { made: rateOf(flood.map(({ at }) => at)), running: rateOf(running.seenAt.slice(seenBefore)) };

isHolding = false;
const pacedFrom = new Date();
const labelled: Promise<void>[] = [];
for (let n = 0; n < paced.count; n += 1) {
  const dueAt = pacedFrom.getTime() + (n * 3_600_000) / paced.perHour;
  await sleep(Math.max(0, dueAt - Date.now()));
  labelled.push(label(inFlight + n));
}
await Promise.all(labelled);
const pacedSec = (Date.now() - pacedFrom.getTime()) / 1_000;
const isOver = sql`status in ('waiting_owner_review', 'succeeded', 'failed')`;
await until(
  'the stream to end',
  async () => (await count(sql`true`)) >= inFlight + paced.count && (await count(sql`not (${isOver})`)) === inFlight,
  longMs,
  1_000,
);
const settledSec = (Date.now() - pacedFrom.getTime()) / 1_000;
const stream = await starts(pacedFrom);

released.resolve('fails');
const drainedFrom = Date.now();
await until('every run to end', async () => (await count(sql`not (${isOver})`)) === 0, longMs, 1_000);
const drainSec = (Date.now() - drainedFrom) / 1_000;
const total = await count(sql`true`);
for (const api of repositories) {
  const pulls = await api.github<{ number: number }[]>('GET', `/repos/${api.repository}/pulls?state=open&per_page=100`);
  for (const { number: pull } of pulls) await api.github('PATCH', `/repos/${api.repository}/pulls/${pull}`, { state: 'closed' });
}
const labelSelector = `${labels.projectId} in (${platform.projectIds.join(',')})`;
const leftOver = async (): Promise<Record<string, number>> => ({
  Jobs: (await kube.batch.listJobForAllNamespaces({ labelSelector })).items.length,
  pods: (await kube.core.listPodForAllNamespaces({ labelSelector })).items.length,
  Secrets: (await kube.core.listSecretForAllNamespaces({ labelSelector })).items.length,
  'unfinished runs': await count(sql`finished_at is null`),
});
await until('the sweep', async () => Object.values(await leftOver()).every((left) => left === 0), longMs, 2_000).catch(() => undefined);
for (const [what, left] of Object.entries(await leftOver())) if (left > 0) problems.push(`${left} ${what} are left`);
const doubled = await sql`select 1 from audit.flow_events where event_type = 'run.started' group by run_id having count(*) > 1`.execute(
  store.db,
);
if (doubled.rows.length > 0) problems.push(`${doubled.rows.length} runs were started twice`);
const lost = await count(sql`attempt <> 1`);
if (lost > 0) problems.push(`${lost} runs needed more than one attempt`);
if (stream.length < paced.count) problems.push(`${stream.length} runs of the stream were started, not ${paced.count}`);
await isCounted();
const after = await readClusterFigures(name);

const perThousand = memoryDuring.map((mib, n) => ((mib - (memoryBefore[n] ?? 0)) / inFlight) * 1_000);
const waits = stream.map(({ waitedMs }) => waitedMs);
const { rows: sizes } = await sql<{ mib: number }>`select pg_database_size(current_database()) / 1048576.0 as mib`.execute(store.db);
console.log(`${inFlight} runs in flight, then ${paced.count} more at ${paced.perHour} an hour beside them; two workers\n`);
console.log(
  table(
    ['', 'Jobs made', 'of raw', 'their pods running', 'of raw'],
    [
      described('Jobs alone, two processes', raw.jobs),
      described('Job and Secret, two processes', raw.both),
      described(`${inFlight} pending runs, two workers`, ours),
    ],
  ),
);
console.log(
  `\n${table(
    ['', ''],
    [
      ['run row to Job and Secret, at the steady rate, p50', ms(percentile(waits, 0.5))],
      ['p95', ms(percentile(waits, 0.95))],
      ['labels of the stream sent in, and its runs at their end after', `${pacedSec.toFixed(0)} s, ${settledSec.toFixed(0)} s`],
      ['runs ended per second, all at once', perSecond(inFlight / drainSec)],
      ['API calls of the workers per started run', ((during.workerCalls - before.workerCalls) / inFlight).toFixed(1)],
      ['memory of each worker with none', memoryBefore.map((mib) => `${mib.toFixed(0)} MiB`).join(', ')],
      ['more per 1,000 runs in flight', perThousand.map((mib) => `${mib.toFixed(0)} MiB`).join(', ')],
      ['etcd before, with all in flight, afterwards', [before, during, after].map(({ etcdMib }) => `${etcdMib.toFixed(0)} MiB`).join(', ')],
      ['objects with all in flight', describeObjects(during.objects)],
      ['objects afterwards', describeObjects(after.objects)],
      [`database after ${total} runs`, `${Number(sizes[0]?.mib).toFixed(0)} MiB`],
    ],
  )}\n`,
);
if (runnerFailures.length > 0) problems.push(`${runnerFailures.length} simulated runners failed, such as ${runnerFailures[0] ?? ''}`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function described(what: string, { made, running: ran }: Rates): string[] {
  return [what, perSecond(made), ratio(made, raw.jobs.made), perSecond(ran), ratio(ran, raw.jobs.running)];
}

function describeObjects(objects: Readonly<Record<string, number>>): string {
  return Object.entries(objects)
    .map(([resource, found]) => `${found} ${resource}`)
    .join(', ');
}
