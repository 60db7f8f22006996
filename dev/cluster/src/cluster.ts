import { rmSync } from 'node:fs';
import { ensureBinaries, requireMachine } from './binaries.ts';
import { ensureCertificates, kubeconfigPath } from './certificates.ts';
import { ClusterError } from './cluster-error.ts';
import { isReady, startControlPlane } from './control-plane.ts';
import { apiUrl, clusterFolder, makeLayout, nameRule, readLayout, type Layout } from './layout.ts';
import { listProcesses, runningPid, stopProcess } from './processes.ts';
import { prepareNetwork } from './network.ts';
import { startRealNode } from './real-node.ts';
import { readyNodes, startSimulatedNodes } from './simulated-nodes.ts';
import { stopRealNode } from './stop-real-node.ts';
import { kubernetesVersion, type Rung } from './versions.ts';

export interface ClusterStatus {
  readonly name: string;
  readonly rung: Rung;
  readonly kubernetes: string;
  readonly kubeconfig: string;
  readonly api_url: string;
  readonly ready: boolean;
  readonly processes: Readonly<Record<string, 'running' | 'ended'>>;
  readonly nodes: readonly string[];
  /** With a real node: where the host reaches its registry, and where pods reach the host. */
  readonly registry?: string;
  readonly host_address?: string;
}

export interface UpOptions {
  readonly name: string;
  readonly rung: Rung;
  readonly simulatedNodes: number;
  readonly log: (line: string) => void;
}

/** Brings the cluster up, or back up: what runs stays, what is missing is started. */
export async function up({ name, rung, simulatedNodes, log }: UpOptions): Promise<ClusterStatus> {
  if (!nameRule.test(name))
    throw new ClusterError(`${name} is no name of a cluster.`, 'Take 1 to 8 small letters and digits, a letter first.');
  requireMachine(rung);
  const binaries = ensureBinaries(rung, log);
  const layout = await makeLayout({ name, rung });
  const certificates = ensureCertificates(layout);
  const parts = { layout, binaries, certificates };
  prepareNetwork(layout);
  await startControlPlane(parts);
  if (layout.rung !== 'api') await startSimulatedNodes(parts, simulatedNodes);
  if (layout.rung === 'node') await startRealNode(parts, log);
  return describe(layout);
}

/** Stops the cluster and removes everything it put on this machine. Only processes that it started itself are ended. */
export async function down(name: string): Promise<{ name: string; stopped: readonly string[] }> {
  const layout = readLayout(name);
  if (!layout) return { name, stopped: [] };
  const { folder } = layout;
  const inOrder = ['kubelet', 'kube-proxy', 'coredns', 'node-folders', 'kwok', 'kube-scheduler', 'kube-controller-manager'];
  const all = listProcesses(folder);
  const last = ['kube-apiserver', 'etcd'];
  if (layout.rung === 'node') await stopRealNode(layout);
  for (const process of [...inOrder, ...all.filter((one) => !inOrder.includes(one) && !last.includes(one)), ...last])
    await stopProcess(folder, process);
  rmSync(clusterFolder(name), { recursive: true, force: true });
  return { name, stopped: all };
}

/** Kills one process of the cluster, as a power cut would; `up` starts it again. False: it does not run. */
export function crash(name: string, part: string): boolean {
  const pid = runningPid(clusterFolder(name), part);
  if (pid === undefined) return false;
  process.kill(pid, 'SIGKILL');
  return true;
}

export async function status(name: string): Promise<ClusterStatus> {
  const layout = readLayout(name);
  if (!layout) throw new ClusterError(`There is no cluster ${name}.`, 'Start one: npm run cluster -- up');
  return describe(layout);
}

async function describe(layout: Layout): Promise<ClusterStatus> {
  const { name, rung, folder, network } = layout;
  const certificates = ensureCertificates(layout);
  const processes = Object.fromEntries(
    listProcesses(folder).map((process) => [process, runningPid(folder, process) === undefined ? 'ended' : 'running'] as const),
  );
  return {
    name,
    rung,
    kubernetes: `v${kubernetesVersion}`,
    kubeconfig: kubeconfigPath(layout),
    api_url: apiUrl(layout),
    ready: await isReady(layout, certificates),
    processes,
    nodes: await readyNodes(layout, certificates),
    ...(network && { registry: `${network.address}:5000`, host_address: network.hostAddress }),
  };
}
