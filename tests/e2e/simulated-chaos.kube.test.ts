/**
 * Runs on simulated nodes, whose pods crash, run out of memory, are evicted, lose their node, find no image or never start: what
 * each meets is drawn by a seed, so it is known beforehand how each must end. Set CODEXK8S_CHAOS_SEED to repeat the choices.
 */
import { connectKube, labels } from '@codex-k8s/kube';
import { sql } from 'kysely';
import { expect, inject, test } from 'vitest';
import { simulatedFates, type Fate } from '../../dev/cluster/src/pod-stages.ts';
import type { PodOfRun } from '../../dev/simulated-runners/src/kubelet.ts';
import { startSimulatedRunners } from '../../dev/simulated-runners/src/simulated-runners.ts';
import { randomOf } from './chaos.ts';
import { startOnSimulatedNodes, type SimulatedPlatform } from './simulated-platform.ts';
import { until } from './trial-platform.ts';

const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const hasNodes = (await kube.core.listNode({ labelSelector: `${simulatedFates}=true` })).items.length > 0; // a given cluster may have none
const seed = Number(process.env['CODEXK8S_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const issueCount = Number(process.env['CODEXK8S_SIMULATED_CHAOS_ISSUES'] ?? 850);
const repositoryCount = 50; // each has a token, and each token may write once a second
const maxAttempts = 3;

/** What the pods of one run meet, in their order; after the last one the agent itself succeeds or fails. */
interface Life {
  readonly fates: readonly Fate[];
  readonly agent: 'delivers' | 'fails';
}

const losses = {
  crashes: 'run.agent_crashed',
  'out-of-memory': 'run.out_of_memory',
  evicted: 'run.pod_evicted',
  'node-lost': 'run.node_lost',
} as const;
const noStarts = { 'image-missing': 'run.image_unavailable', stuck: 'run.pod_not_started' } as const;
type Loss = keyof typeof losses;
type NoStart = keyof typeof noStarts;
const isLoss = (fate: Fate): fate is Loss => fate in losses;
const isNoStart = (fate: Fate): fate is NoStart => fate in noStarts;

function lifeOf(random: () => number): Life {
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // random() is less than 1
  const loss = (): Fate => one(Object.keys(losses) as Loss[]); // the table's own keys
  const dice = random();
  const agent = random() < 0.25 ? 'delivers' : 'fails'; // a delivery is much work for git, and not what is tried here
  if (dice < 0.5) return { fates: [], agent };
  if (dice < 0.7) return { fates: [loss()], agent };
  if (dice < 0.8) return { fates: [loss(), loss()], agent };
  if (dice < 0.9) return { fates: [loss(), loss(), loss()], agent };
  return { fates: [...(random() < 0.5 ? [loss()] : []), one(Object.keys(noStarts) as NoStart[])], agent }; // as above
}

function endOf({ fates, agent }: Life): string {
  const last = fates.at(-1);
  if (last !== undefined && isNoStart(last)) return noStarts[last];
  if (last !== undefined && isLoss(last) && fates.length >= maxAttempts) return losses[last];
  return agent === 'fails' ? 'run.agent_failed' : 'delivered';
}

interface Row {
  readonly id: string;
  readonly place: string;
  readonly kind: 'work' | 'review';
  readonly status: string;
  readonly code: string | null;
  readonly losses: number;
}

const rowsOf = async ({ store }: SimulatedPlatform, id?: string): Promise<Row[]> =>
  (
    await sql<Row>`select id, repository_full_name || '#' || issue_number as place, run_kind as kind, status, failure_code as code, losses
      from core.agent_runs where ${id ?? null}::uuid is null or id = ${id ?? null}::uuid`.execute(store.db)
  ).rows;

async function count({ store }: SimulatedPlatform, query: ReturnType<typeof sql<{ count: number }>>): Promise<number> {
  return (await query.execute(store.db)).rows[0]?.count ?? -1;
}

test.skipIf(!hasNodes)(
  `runs of ${issueCount} issues whose pods fail (seed ${seed}) are neither lost, doubled nor stuck, and say why they failed`,
  { timeout: 1_500_000 },
  async () => {
    const random = randomOf(seed);
    const lives = new Map<string, Life>();
    await using platform = await startOnSimulatedNodes(kube, {
      projects: 1,
      repositories: repositoryCount,
      inFlight: 60,
      maxAttempts,
      nodes: simulatedFates,
      environment: {
        CODEXK8S_WORKER_RUN_START_TIMEOUT: '60', // the first runs all begin at once
        CODEXK8S_WORKER_HEARTBEAT_TIMEOUT: '90',
        CODEXK8S_WORKER_SLOT_LEASE_TTL: '60',
      },
    });
    const [perRepository, startedAt] = [issueCount / repositoryCount, performance.now()];
    const seconds = (): string => `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
    for (const { repository } of platform.repositories) {
      for (let issue = 1; issue <= perRepository; issue += 1) {
        for (const kind of ['work', 'review']) lives.set(`${kind} ${repository}#${issue}`, lifeOf(random));
      }
    }
    const met = new Map<string, Fate>();
    const fateOf = async ({ runId, attempt }: PodOfRun): Promise<Fate> => {
      const [run] = await rowsOf(platform, runId);
      const fate = (run && lives.get(`${run.kind} ${run.place}`)?.fates[run.losses]) ?? 'runs';
      met.set(`${runId}/${attempt}`, fate);
      return fate;
    };
    const errors: unknown[] = [];
    await using runners = startSimulatedRunners(kube, {
      githubApiUrl: platform.github.apiUrl,
      fateOf,
      work: async ({ run_id, attempt, kind, repository, issue_number }, signal) => {
        const isSpared = met.get(`${run_id}/${attempt}`) === 'runs';
        // Whose pod is to fail works until it does.
        if (!isSpared)
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('the pod ended')), { once: true }));
        return lives.get(`${kind} ${repository.full_name}#${issue_number}`)?.agent ?? 'fails';
      },
      onError: (error) => void errors.push(error),
    });

    await Promise.all(
      platform.repositories.map(async (api) => {
        for (let n = 1; n <= perRepository; n += 1) await api.label(await api.createIssue(`Simulated ${n}`, 'Do it.'), 'run:dev');
      }),
    );
    const expected = new Map<string, string>();
    for (const [key, life] of lives) {
      if (!key.startsWith('work ')) continue;
      expected.set(key, endOf(life));
      const review = key.replace('work ', 'review ');
      const next = lives.get(review);
      if (endOf(life) === 'delivered' && next) expected.set(review, endOf(next));
    }
    const isOver = ({ status }: Row): boolean => ['waiting_owner_review', 'succeeded', 'failed', 'timed_out'].includes(status);
    let rows: Row[] = [];
    await until(
      'every run to come to its end',
      async () => (rows = await rowsOf(platform)).length >= expected.size && rows.every(isOver),
      1_080_000, // two runs a second on two free cores, and one on cores that others share
      1_000,
    ).catch((error: unknown) => {
      console.log(`seed ${seed}`, rows.filter((row) => !isOver(row)).slice(0, 20), errors.slice(0, 3));
      throw error;
    });
    console.log(
      `seed ${seed}: ${rows.length} runs of ${issueCount} issues, ${runners.started} pods began to work, all at their end after ${seconds()}`,
    );

    expect(errors).toEqual([]);
    const ends = rows.map((row) => [`${row.kind} ${row.place}`, row.status === 'failed' ? row.code : 'delivered'] as const);
    expect(ends.length).toBe(expected.size); // none lost, none doubled: as many as there must be, and
    expect(new Map(ends)).toEqual(expected); // each its own
    const delivered = [...expected].filter(([key, end]) => key.startsWith('work ') && end === 'delivered').length;
    const pulls = await Promise.all(
      platform.repositories.map((api) =>
        api.github<{ number: number; head: { ref: string } }[]>('GET', `/repos/${api.repository}/pulls?state=all&per_page=100`),
      ),
    );
    expect(pulls.flat().length).toBe(delivered);
    expect(pulls.every((list) => new Set(list.map(({ head }) => head.ref)).size === list.length)).toBe(true);
    for (const once of ['run.enqueued', 'run.started', 'run.pr.created', 'run.delivery.verified', 'run.review.posted']) {
      const doubled = sql<{ count: number }>`select count(*)::int as count from
        (select from audit.flow_events where event_type = ${once} group by run_id having count(*) > 1) twice`;
      expect([once, await count(platform, doubled)]).toEqual([once, 0]);
    }

    await Promise.all(
      platform.repositories.map(async (api, n) => {
        for (const { number } of pulls[n] ?? []) await api.github('PATCH', `/repos/${api.repository}/pulls/${number}`, { state: 'closed' });
      }),
    );
    const labelSelector = `${labels.projectId}=${platform.projectId}`;
    const left = async () => ({
      jobs: (await kube.batch.listJobForAllNamespaces({ labelSelector })).items.length,
      pods: (await kube.core.listPodForAllNamespaces({ labelSelector })).items.length,
      secrets: (await kube.core.listSecretForAllNamespaces({ labelSelector })).items.length,
      namespaces: (await kube.core.listNamespace({ labelSelector })).items.length,
      slots: await count(platform, sql`select count(*)::int as count from core.slots where state <> 'free'`),
      unfinished: await count(platform, sql`select count(*)::int as count from core.agent_runs where finished_at is null`),
    });
    const nothing = { jobs: 0, pods: 0, secrets: 0, namespaces: 1, slots: 0, unfinished: 0 }; // the project's own namespace stays
    await until(
      'nothing of any run to be left',
      async () => JSON.stringify(await left()) === JSON.stringify(nothing),
      240_000,
      1_000,
    ).catch(async () => {
      expect(await left()).toEqual(nothing);
    });
    console.log(`seed ${seed}: nothing left after ${seconds()}`);
    const { metadata } = (await kube.core.listNamespace({ labelSelector })).items[0] ?? {};
    await kube.core.deleteNamespace({ name: metadata?.name ?? '' });
  },
);
