import type { Reconciler } from '@codex-k8s/runtime';
import { changeRun, claimUncleanedRuns, listStrays, recordEvent, releaseSlots } from '@codex-k8s/store';
import { worker, type Context } from '../app/context.ts';
import { each } from '../app/each.ts';
import { keepPodLog } from '../app/keep-pod-log.ts';

/** How long a workspace waits for another worker when one could not remove it, or died. */
const claimSec = 60;

/** What is left behind is ended: processes of runs that are over, waiting for the owner, or in a newer attempt; and slots of such runs. */
export function sweepProcesses(context: Context): Reconciler {
  const { config, store, runtime, log } = context;
  return {
    name: 'sweep-processes',
    everyMs: config.pollMs,
    restMs: 1_000,
    reconcile: async () => {
      const strays = await listStrays(store.db, await runtime.listAlive());
      await each(log, strays, async ({ id, attempt, repositoryId, correlationId }) => {
        if (correlationId !== null) await keepPodLog(context, { id, attempt, repositoryId, correlationId });
        await runtime.stop(id);
      });
      await releaseSlots(store.db);
      return 0; // all of them were seen to
    },
  };
}

/** Workspaces of finished runs are removed some time later, so that a person can still look at a failed one. */
export function cleanWorkspaces(context: Context): Reconciler {
  const { config, store, runtime, log } = context;
  return {
    name: 'clean-workspaces',
    everyMs: Math.max(config.pollMs, 10_000),
    reconcile: async () =>
      each(log, await claimUncleanedRuns(store.db, { keepSec: config.workspaceKeepSec, claimSec, limit: 20 }), async (run) => {
        await keepPodLog(context, run);
        await runtime.clean(run.id);
        await changeRun(store.db, { id: run.id, set: { cleanedUpAt: new Date(), retryAt: null } });
        await recordEvent(store.db, {
          type: 'run.workspace.cleaned',
          correlationId: run.correlationId,
          runId: run.id,
          projectId: run.projectId,
          actor: worker,
          key: 'workspace-cleaned',
        });
      }),
  };
}
