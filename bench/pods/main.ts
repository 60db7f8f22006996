/**
 * From a label to the agent's first output on the real node, beside a bare pod of the same image that says one word. Both are made by the same
 * client and looked for as often; the image is on the node. The platform runs beside the node on the same cores.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyRunNamespace, connectKube, runJob } from '@codex-k8s/kube';
import { sql } from 'kysely';
import { down, up } from '../../dev/cluster/src/cluster.ts';
import { startOnKubernetes } from '../../tests/e2e/kubernetes-platform.ts';
import { ensureImage } from '../../tests/e2e/test-images.ts';
import { until } from '../../tests/e2e/trial-platform.ts';
import { median, ms, percentile, table } from '../figures.ts';
import { describeMachine } from '../machine.ts';

const name = 'pods';
const rounds = 11; // the first of each is not counted: it makes the namespace and unpacks the image
const lookEveryMs = 20;
const settleMs = 3_000; // the pods before are taken down meanwhile
const bareNamespace = 'bare-pods';

console.log(`## Pods\n\n${describeMachine()}\n`);
await using stack = new AsyncDisposableStack();
stack.defer(async () => void (await down(name)));
const {
  kubeconfig,
  registry,
  host_address: hostAddress,
} = await up({
  name,
  rung: 'node',
  simulatedNodes: 0,
  log: (line) => console.error(line),
});
if (registry === undefined || hostAddress === undefined) throw new Error('the real node has no registry');
const kube = connectKube({ kubeconfig });
const node = { cluster: name, registry, hostAddress };
const dataDir = mkdtempSync(join(tmpdir(), 'codexk8s-bench-pods-'));
stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
const image = await ensureImage('agent', node);
const platform = stack.use(await startOnKubernetes(kube, { node, dataDir, workers: 1 }));
const { api, store } = platform;
await sql`update core.agent_policies set runtime_mode = 'code-only'`.execute(store.db);
await applyRunNamespace(kube, { namespace: bareNamespace, mode: 'code-only', projectId: 'bare', pods: 20 });

interface Word {
  /** Milliseconds until the container wrote it, by the clock of the node, which is this machine's. */
  readonly written: number;
  /** Until it could be read from the API server: the kubelet knows a new container only when it has looked for changes, which it does once a second. */
  readonly read: number;
}

async function barePod(): Promise<Word> {
  const id = randomUUID();
  const { template } =
    runJob({
      namespace: bareNamespace,
      mode: 'code-only',
      runId: id,
      projectId: id,
      attempt: 1,
      correlationId: id,
      image,
      environment: {},
      secrets: {},
      resources: { cpu: '100m', memory: '128Mi', cpuLimit: '2', memoryLimit: '1Gi' },
      nodeSelector: { 'kubernetes.io/hostname': 'node1' },
    }).spec ?? {};
  const [container] = template?.spec?.containers ?? [];
  if (!template?.spec || !container) throw new Error('a Job of a run has no container');
  container.command = ['sh', '-c', 'echo ready; sleep 1'];
  const pod = `bare-${id}`;
  const startedAt = Date.now();
  await kube.core.createNamespacedPod({
    namespace: bareNamespace,
    body: { metadata: { name: pod }, spec: template.spec },
  });
  let said = '';
  while (said === '') {
    await sleep(lookEveryMs);
    said = await kube.core.readNamespacedPodLog({ name: pod, namespace: bareNamespace, timestamps: true }).catch(() => '');
  }
  const word = { written: Date.parse(said.slice(0, said.indexOf(' '))) - startedAt, read: Date.now() - startedAt };
  await kube.core.deleteNamespacedPod({ name: pod, namespace: bareNamespace, gracePeriodSeconds: 0 });
  return word;
}

interface Steps {
  /** Milliseconds after the label, by the clock that database and services share here. */
  readonly row: number;
  readonly job: number;
  readonly runner: number;
  readonly words: number;
}

async function labelledRun(n: number): Promise<Steps> {
  const issue = await api.createIssue(`Round ${n}`, '```file path=round.txt\none\n```\n');
  const labelledAt = Date.now();
  await api.label(issue, 'run:dev');
  const steps = async (): Promise<Steps | undefined> => {
    const { rows } = await sql<{ row: Date; job: Date | null; runner: Date | null; words: Date }>`
      select r.created_at as row, c.created_at as words,
        (select created_at from audit.flow_events where run_id = r.id and event_type = 'run.attempt.started') as job,
        (select created_at from audit.flow_events where run_id = r.id and event_type = 'run.agent.started') as runner
      from core.agent_runs r join audit.run_log_chunks c on c.run_id = r.id
      where r.issue_number = ${issue} and r.run_kind = 'work' and (c.lines @> '[{"stream": "agent"}]' or c.lines @> '[{"stream": "tool"}]') order by c.created_at limit 1`.execute(
      store.db,
    );
    const [found] = rows;
    const after = (date: Date | null): number => (date ? date.getTime() - labelledAt : Number.NaN);
    return found && { row: after(found.row), job: after(found.job), runner: after(found.runner), words: after(found.words) };
  };
  let found: Steps | undefined;
  while (!(found = await steps())) await sleep(lookEveryMs);
  await until(
    'the run and its review to end',
    async () => {
      const { rows } = await sql<{ open: number; reviews: number }>`
      select count(*) filter (where status in ('pending', 'running'))::int as open, count(*) filter (where run_kind = 'review')::int as reviews
      from core.agent_runs where issue_number = ${issue}`.execute(store.db);
      return rows[0]?.open === 0 && rows[0].reviews > 0;
    },
    120_000,
  );
  return found;
}

const bare: Word[] = [];
const ours: Steps[] = [];
for (let n = 0; n < rounds; n += 1) {
  await sleep(settleMs);
  bare.push(await barePod());
  await sleep(settleMs);
  ours.push(await labelledRun(n));
}
bare.shift();
ours.shift();

const of = (step: keyof Steps): number[] => ours.map((one) => one[step]);
const row = (what: string, values: readonly number[]): string[] => [what, ms(median(values)), ms(percentile(values, 0.9))];
console.log(
  table(
    [`${rounds - 1} of each, in turn`, 'median', 'p90'],
    [
      row(
        'bare pod: created to its word written',
        bare.map(({ written }) => written),
      ),
      row(
        'and read',
        bare.map(({ read }) => read),
      ),
      row('label to the run row', of('row')),
      row('label to Job and Secret', of('job')),
      row('label to the runner in its pod', of('runner')),
      row("label to the agent's first output, stored where people read it", of('words')),
    ],
  ),
);
const onTopOf = (step: keyof Word): string => ms(median(of('words')) - median(bare.map((one) => one[step])));
console.log(`\nOn top of the bare pod's word: ${onTopOf('read')} as read, ${onTopOf('written')} as written (medians)\n`);
