import type { TestProject } from 'vitest/node';
import { down, up } from './cluster.ts';
import { environment } from './config.ts';
import { listClusters } from './layout.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the cluster the tests may use: the one given, or one of our own. */
    kubeconfig: string;
    /** With our own real node; absent on a given cluster, and where root is missing. */
    realNode: { readonly cluster: string; readonly registry: string; readonly hostAddress: string } | undefined;
  }
}

/**
 * Once per test run. `CODEXK8S_TEST_KUBECONFIG` names a cluster to use instead of an own one; its tests make namespaces of their own.
 * `CODEXK8S_TEST_CLUSTER` is the name of the own one, for checkouts that test at the same time; when it stands already, it stays.
 */
export default async function setup({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = environment()['CODEXK8S_TEST_KUBECONFIG'];
  if (given !== undefined) {
    provide('kubeconfig', given);
    provide('realNode', undefined);
    return undefined;
  }
  const named = environment()['CODEXK8S_TEST_CLUSTER'];
  const name = named ?? 'test';
  const isKept = named !== undefined && listClusters().includes(named);
  const rung = process.getuid?.() === 0 ? 'node' : 'simulated';
  const cluster = await up({ name, rung, simulatedNodes: 2, log: (line) => process.stderr.write(`${line}\n`) });
  provide('kubeconfig', cluster.kubeconfig);
  const { registry, host_address: hostAddress } = cluster;
  provide('realNode', registry !== undefined && hostAddress !== undefined ? { cluster: name, registry, hostAddress } : undefined);
  return async () => {
    if (!isKept) await down(name);
  };
}
