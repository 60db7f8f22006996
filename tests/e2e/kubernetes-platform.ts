/** The platform with agents as pods of the test's real node: services on this machine, under the documented rights and no others. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildImage } from '../../deploy/images/build.ts';
import { writeTokenKubeconfig, type Kube } from '@codex-k8s/kube';
import type { ProvidedContext } from 'vitest';
import { installRights } from '../cluster/install-rights.ts';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';

export type RealNode = NonNullable<ProvidedContext['realNode']>;

export async function startOnKubernetes(
  kube: Kube,
  { node, dataDir, workers, environment = {} }: { node: RealNode; dataDir: string; workers: number; environment?: Record<string, string> },
): Promise<SeparateServices> {
  await installRights(kube);
  const kubeconfig = join(dataDir, 'worker.kubeconfig');
  await writeTokenKubeconfig(kube, { namespace: 'codex-k8s', serviceAccount: 'codex-k8s-worker', path: kubeconfig });
  return startSeparateServices({
    dataDir,
    workers,
    host: node.hostAddress,
    environment: {
      CODEXK8S_RUNTIME: 'kubernetes',
      CODEXK8S_KUBECONFIG: kubeconfig,
      CODEXK8S_AGENT_IMAGE: `localhost:5000/${await agentImage(node)}`,
      CODEXK8S_WORKER_RUN_NODE_SELECTOR: 'kubernetes.io/hostname=node1',
      CODEXK8S_RUN_WORKSPACE_KEEP_SECONDS: '0',
      ...environment,
    },
  });
}

/** The image of the committed sources, built once per cluster. */
async function agentImage({ registry }: RealNode): Promise<string> {
  const tag = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim();
  const image = `codex-k8s/agent:${tag}`;
  const known = await fetch(`http://${registry}/v2/codex-k8s/agent/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  if (!known.ok) buildImage({ name: 'agent', base: `${registry}/debian:bookworm`, tag: `${registry}/${image}`, isInsecure: true });
  return image;
}
