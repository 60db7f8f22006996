import type { Reconciler } from '@codex-k8s/runtime';
import { changeRun, listUncleanedRuns, recordEvent, releaseSlots, statusOfRuns } from '@codex-k8s/store';
import { worker, type Context } from '../app/context.ts';
import { each } from '../app/each.ts';
import { keepPodLog } from '../app/keep-pod-log.ts';

/** What is left behind is ended: processes of runs that are over, waiting for the owner, or in a newer attempt; and slots of such runs. */
export function sweepProcesses(context: Context): Reconciler {
  const { config, store, runtime, log } = context;
  return {
    name: 'sweep-processes',
    everyMs: config.pollMs,
    restMs: 1_000,
    reconcile: async () => {
      const alive = await runtime.listAlive();
      const known = await statusOfRuns(
        store.db,
        alive.map(({ runId }) => runId),
      );
      const stray = alive.filter(({ runId, attempt }) => {
        const run = known.get(runId);
        return !run || run.attempt > attempt || !['pending', 'running', 'waiting_mcp'].includes(run.status);
      });
      await each(
        log,
        stray.map(({ runId, attempt }) => ({ id: runId, attempt })),
        async ({ id, attempt }) => {
          const run = known.get(id);
          if (run) await keepPodLog(context, { ...run, attempt });
          await runtime.stop(id);
        },
      );
      return (await releaseSlots(store.db)) > 0 ? 1 : 0;
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
      each(log, await listUncleanedRuns(store.db, { keepSec: config.workspaceKeepSec, limit: 20 }), async (run) => {
        await keepPodLog(context, run);
        await runtime.clean(run.id);
        await changeRun(store.db, { id: run.id, set: { cleanedUpAt: new Date() } });
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
