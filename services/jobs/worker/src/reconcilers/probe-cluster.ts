import { findingsCountSec } from '@codex-k8s/domain';
import type { Reconciler } from '@codex-k8s/runtime';
import { readClusterControls, saveClusterControls } from '@codex-k8s/store';
import type { Context } from '../app/context.ts';

/** Well before a finding stops to count. */
const lookAgainSec = findingsCountSec / 2;

/** One worker of all tries the controls of the cluster from time to time, so that every run can say which held when it began. */
export function probeCluster({ store, runtime, log }: Context): Reconciler {
  return {
    name: 'probe-cluster',
    everyMs: 60_000,
    reconcile: async () => {
      if (await readClusterControls(store.db, { maxAgeSec: lookAgainSec })) return 0;
      const findings = await runtime.probeControls();
      if (!findings) return 0;
      await saveClusterControls(store.db, findings);
      const absent = findings.filter(({ state }) => state !== 'holds').map(({ control, state }) => `${control}: ${state}`);
      if (absent.length > 0) log.warn({ absent }, 'controls of the cluster do not hold');
      return 1;
    },
  };
}
