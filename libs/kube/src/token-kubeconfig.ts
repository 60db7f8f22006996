import { writeFileSync } from 'node:fs';
import { AppError } from '@codex-k8s/domain';
import { translated, type Kube } from './client.ts';

/** Writes a kubeconfig that speaks as a service account for so many hours. */
export async function writeTokenKubeconfig(
  { config, core }: Kube,
  { namespace, serviceAccount, path, hours = 1 }: { namespace: string; serviceAccount: string; path: string; hours?: number },
): Promise<void> {
  const { status } = await translated(`Token of ${namespace}/${serviceAccount}`, () =>
    core.createNamespacedServiceAccountToken({
      name: serviceAccount,
      namespace,
      body: { spec: { audiences: [], expirationSeconds: hours * 3_600 } },
    }),
  );
  const cluster = config.getCurrentCluster();
  if (!status || !cluster) throw new AppError('kube.unavailable', 'The cluster gave no token.');
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster: { server: cluster.server, 'certificate-authority-data': cluster.caData } }],
    users: [{ name: serviceAccount, user: { token: status.token } }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: serviceAccount, namespace } }],
    'current-context': 'context',
  };
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
}
