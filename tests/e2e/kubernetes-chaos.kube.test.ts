/**
 * Everything on the way of a run is killed while agents work in pods of a real node: pods, Jobs, platform services, and the cluster's own processes
 * with etcd among them. Set CODEXK8S_CHAOS_SEED to repeat the choices and CODEXK8S_CLUSTER_CHAOS_POINTS to change how many.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connectKube, labels } from '@codex-k8s/kube';
import { expect, inject, test } from 'vitest';
import { crash, up } from '../../dev/cluster/src/cluster.ts';
import { allowLosses, chaosBody, expectEverythingOnce, randomOf } from './chaos.ts';
import { startOnKubernetes, type RealNode } from './kubernetes-platform.ts';
import type { SeparateServices } from './separate-services.ts';
import { trialFolder, until } from './trial-platform.ts';

const node = inject('realNode');
const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const seed = Number(process.env['CODEXK8S_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const points = Number(process.env['CODEXK8S_CLUSTER_CHAOS_POINTS'] ?? 30);
const issueCount = 8;
const ofRuns = labels.runId;

type Fault = (platform: SeparateServices, random: () => number, cluster: RealNode) => Promise<boolean>;

/** By name, and how likely. False: there was nothing to strike just then. */
const faults: Readonly<Record<string, readonly [weight: number, fault: Fault]>> = {
  pod: [6, async (_, random) => (await deleteOne('pods', random)) !== undefined],
  job: [3, async (_, random) => (await deleteOne('jobs', random)) !== undefined],
  worker: [6, async ({ services }, random) => killService(services, 'worker', random)],
  'control-plane': [4, async ({ services }, random) => killService(services, 'control-plane', random)],
  gateway: [1, async ({ services }, random) => killService(services, 'gateway', random)],
  'API server': [3, async (_, __, cluster) => crashAndMend(cluster, 'kube-apiserver')],
  etcd: [2, async (_, __, cluster) => crashAndMend(cluster, 'etcd')],
  kubelet: [2, async (_, __, cluster) => crashAndMend(cluster, 'kubelet')],
  'job controller': [2, async (_, __, cluster) => crashAndMend(cluster, 'kube-controller-manager')],
  scheduler: [1, async (_, __, cluster) => crashAndMend(cluster, 'kube-scheduler')],
};

async function deleteOne(kind: 'pods' | 'jobs', random: () => number): Promise<string | undefined> {
  const list =
    kind === 'pods'
      ? (await kube.core.listPodForAllNamespaces({ labelSelector: ofRuns })).items.filter(({ status }) => status?.phase === 'Running')
      : (await kube.batch.listJobForAllNamespaces({ labelSelector: ofRuns })).items.filter(({ status }) => status?.active);
  const { name = '', namespace = '' } = list[Math.floor(random() * list.length)]?.metadata ?? {};
  if (name === '') return undefined;
  try {
    if (kind === 'pods') await kube.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
    else await kube.batch.deleteNamespacedJob({ name, namespace, body: { propagationPolicy: 'Background' } });
    return name;
  } catch (error) {
    if ((error as { code?: number }).code === 404) return undefined; // it ended meanwhile
    throw error;
  }
}

function killService(services: SeparateServices['services'], name: string, random: () => number): boolean {
  const chosen = services.filter((service) => service.name.startsWith(name));
  const service = chosen[Math.floor(random() * chosen.length)];
  service?.kill();
  return service !== undefined;
}

/** As a static pod or a system service would be, it is started again after some seconds. */
async function crashAndMend({ cluster }: RealNode, part: string): Promise<boolean> {
  if (!crash(cluster, part)) return false;
  await pause(2_000);
  await up({ name: cluster, rung: 'node', simulatedNodes: 2, log: () => undefined });
  return true;
}

/** Waits some seconds for something to strike: otherwise the services would take all the blows, and no pod would get any. */
async function strike(fault: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 20; tries += 1) {
    if (await fault()) return true;
    await pause(500);
  }
  return false;
}

function choose(random: () => number): [string, Fault] {
  const all = Object.entries(faults);
  let dice = random() * all.reduce((sum, [, [weight]]) => sum + weight, 0);
  for (const [name, [weight, fault]] of all) {
    dice -= weight;
    if (dice < 0) return [name, fault];
  }
  throw new Error('the dice fell off the table');
}

test.skipIf(node === undefined)(
  `${points} faults in the cluster and the platform (seed ${seed}) lose, double and stick nothing (needs root)`,
  { timeout: 1_500_000 },
  async () => {
    if (!node) return;
    const random = randomOf(seed);
    const folder = trialFolder();
    await using platform = await startOnKubernetes(kube, {
      node,
      dataDir: folder.path,
      workers: 2,
      environment: { CODEXK8S_WORKER_HEARTBEAT_TIMEOUT: '20', CODEXK8S_WORKER_SLOTS_PER_PROJECT: '4', CODEXK8S_RUN_NAMESPACE_TTL: '86400' },
    });
    const { api } = platform;
    await allowLosses(platform);
    await until('the controls to be tried', async () => (await api.platform()).controls, 120_000);
    const issues: number[] = [];
    const struck = new Map<string, number>();
    const startedAt = performance.now();
    for (let done = 0; done < points;) {
      if (issues.length < issueCount && done * issueCount >= issues.length * points * 0.8) {
        const issue = await api.createIssue(`Cluster chaos ${issues.length}`, chaosBody(issues.length, 8));
        await api.label(issue, 'run:dev');
        issues.push(issue);
      }
      const [name, fault] = choose(random);
      if (await strike(() => fault(platform, random, node))) {
        struck.set(name, (struck.get(name) ?? 0) + 1);
        done += 1;
      }
      await pause(1_000 + random() * 3_000);
    }
    const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;
    const list = JSON.stringify(Object.fromEntries(struck));
    console.log(`seed ${seed}, ${points} points: struck ${list} in ${seconds(startedAt)}, ${issues.length} issues`);
    const drainedFrom = performance.now();

    const rows = await expectEverythingOnce(platform, { issues, drainMs: 600_000 });
    const attempts = rows.reduce((sum, { attempt }) => sum + attempt, 0);
    console.log(
      `seed ${seed}: everything at its end ${seconds(drainedFrom)} after the last fault, ${attempts} attempts of ${rows.length} runs`,
    );

    const labelSelector = `${labels.projectId}=${platform.projectId}`;
    const names = ({ items }: { items: readonly { metadata?: { name?: string } }[] }) => items.map(({ metadata }) => metadata?.name);
    const left = async () => ({
      jobs: names(await kube.batch.listJobForAllNamespaces({ labelSelector })),
      pods: names(await kube.core.listPodForAllNamespaces({ labelSelector })),
      secrets: names(await kube.core.listSecretForAllNamespaces({ labelSelector })),
      namespaces: names(await kube.core.listNamespace({ labelSelector })),
    });
    expect((await left()).namespaces.length).toBeGreaterThanOrEqual(issues.length); // at least each developer's is kept
    for (const { prNumber, runKind } of rows) {
      if (runKind === 'work') await api.github('PATCH', `/repos/demo-owner/hello/pulls/${prNumber}`, { state: 'closed' });
    }
    const none = { jobs: [], pods: [], secrets: [], namespaces: [] };
    await until('nothing of any run to be left', async () => JSON.stringify(await left()) === JSON.stringify(none), 240_000).catch(
      async () => {
        expect(await left()).toEqual(none);
      },
    );
    folder.remove();
  },
);
