import { applyObject, askApi } from './ask-api.ts';
import type { Binaries } from './binaries.ts';
import { writeKubeconfig, type Certificates } from './certificates.ts';
import { innerApiUrl } from './control-plane.ts';
import type { Layout } from './layout.ts';
import { simulatedFates, simulatedRuns, writePodStages } from './pod-stages.ts';
import { ensureProcess, until } from './processes.ts';

/** Pods ask for these nodes by `nodeSelector: {type: kwok}` and tolerate the taint `kwok.x-k8s.io/node=fake:NoSchedule`. */
export async function startSimulatedNodes(
  { layout, binaries, certificates }: { layout: Layout; binaries: Binaries; certificates: Certificates },
  count: number,
): Promise<void> {
  const { folder, network } = layout;
  await ensureProcess(folder, {
    name: 'kwok',
    command: binaries('kwok'),
    args: [
      `--kubeconfig=${writeKubeconfig(layout, certificates, 'kwok', innerApiUrl(layout))}`,
      `--stages=${writePodStages(folder)}`,
      '--nodes=type=kwok',
      '--pod-cidr=10.245.0.0/16',
      '--node-ip=10.244.0.1',
    ],
    namespace: network?.namespace,
  });
  for (let number = 1; number <= count; number++) {
    const node = simulatedNode(`kwok-${number}`);
    await applyObject(layout, certificates, `/api/v1/nodes/${node.metadata.name}`, node);
    await applyObject(layout, certificates, `/api/v1/nodes/${node.metadata.name}/status`, node);
  }
  const isReady = async (): Promise<boolean> =>
    (await readyNodes(layout, certificates)).filter((name) => name.startsWith('kwok-')).length >= count;
  await until(`${count} simulated nodes are ready`, isReady, { folder, watched: ['kwok', 'kube-scheduler'], withinMs: 60_000 });
}

function simulatedNode(name: string) {
  const capacity = { cpu: '64', memory: '256Gi', pods: '1000', 'ephemeral-storage': '1Ti' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        type: 'kwok',
        [simulatedRuns]: 'true',
        [simulatedFates]: 'true',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
      },
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
    },
    spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
    status: { capacity, allocatable: capacity },
  };
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

export async function readyNodes(layout: Layout, certificates: Certificates): Promise<string[]> {
  const { status, body } = await askApi(layout, certificates, '/api/v1/nodes');
  if (status !== 200) return [];
  const { items } = JSON.parse(body) as NodeList; // the API's own form
  return items
    .filter(({ status: { conditions = [] } = {} }) => conditions.some((one) => one.type === 'Ready' && one.status === 'True'))
    .map(({ metadata }) => metadata.name);
}
