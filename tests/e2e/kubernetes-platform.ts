/** The platform with agents as pods of the test's real node: services on this machine, under the documented rights and no others. */
import { join } from 'node:path';
import { writeTokenKubeconfig, type Kube } from '@codex-k8s/kube';
import type { ProvidedContext } from 'vitest';
import { installRights } from '../cluster/install-rights.ts';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';
import { ensureImage } from './test-images.ts';

export type RealNode = NonNullable<ProvidedContext['realNode']>;

export async function startOnKubernetes(
  kube: Kube,
  { node, dataDir, workers, environment = {} }: { node: RealNode; dataDir: string; workers: number; environment?: Record<string, string> },
): Promise<SeparateServices> {
  return startSeparateServices({
    dataDir,
    workers,
    host: node.hostAddress,
    environment: {
      CODEXK8S_RUNTIME: 'kubernetes',
      ...(await workerOnKubernetes(kube, { node, dataDir })),
      CODEXK8S_RUN_WORKSPACE_KEEP_SECONDS: '0',
      ...environment,
    },
  });
}

/** What a worker must know to work in the cluster with the documented rights. */
export async function workerOnKubernetes(
  kube: Kube,
  { node, dataDir }: { node: RealNode; dataDir: string },
): Promise<Record<string, string>> {
  await installRights(kube);
  const kubeconfig = join(dataDir, 'worker.kubeconfig');
  await writeTokenKubeconfig(kube, { namespace: 'codex-k8s', serviceAccount: 'codex-k8s-worker', path: kubeconfig });
  return {
    CODEXK8S_KUBECONFIG: kubeconfig,
    CODEXK8S_AGENT_IMAGE: await ensureImage('agent', node),
    CODEXK8S_WORKER_RUN_NODE_SELECTOR: 'kubernetes.io/hostname=node1',
  };
}
