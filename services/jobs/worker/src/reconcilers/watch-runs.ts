import type { Reconciler } from '@codex-k8s/runtime';
import { adoptRuns, getRun, listOwnRuns, nextAttempt, recordEvent, renewLeases, type Run } from '@codex-k8s/store';
import { worker, type Context } from '../app/context.ts';
import { each } from '../app/each.ts';
import { failRun } from '../app/fail-run.ts';
import { launchAttempt } from './start-pending-runs.ts';

/**
 * Keeps this worker's runs leased, adopts those whose worker is gone, and replaces a lost or silent process by the next attempt, which
 * resumes the session. More losses than the policy allows fail the run.
 */
export function watchRuns(context: Context): Reconciler {
  const { config, store, runtime, log } = context;
  return {
    name: 'watch-runs',
    everyMs: Math.min(config.pollMs, (config.leaseSec * 1000) / 3),
    reconcile: async () => {
      const lease = { owner: config.workerId, leaseSec: config.leaseSec };
      await renewLeases(store.db, lease);
      for (const run of await adoptRuns(store.db, lease)) {
        await recordEvent(store.db, {
          type: 'run.reclaimed_after_stale_lease',
          correlationId: run.correlationId,
          runId: run.id,
          projectId: run.projectId,
          actor: worker,
          payload: { worker: config.workerId, attempt: run.attempt },
        });
      }
      const alive = new Map((await runtime.listAlive()).map(({ runId, attempt }) => [runId, attempt]));
      const lost = (await listOwnRuns(store.db, config.workerId)).filter(
        (run) => run.attemptResult === null && isLost(context, run, alive),
      );
      await each(log, lost, (run) => replace(context, run));
      return 0; // replaced runs are watched at the next pass like any other
    },
  };
}

function isLost({ config }: Context, run: Run, alive: ReadonlyMap<string, number>): boolean {
  if (alive.get(run.id) !== run.attempt) return true;
  const lastSign = run.heartbeatAt ?? run.updatedAt;
  return Date.now() - lastSign.getTime() > config.heartbeatTimeoutSec * 1000;
}

async function replace(context: Context, { id }: Run): Promise<boolean> {
  const { config, store, runtime } = context;
  // The process may have reported between our reading and its end: only a run that still has no result is lost.
  const run = await getRun(store.db, id);
  if (!run || run.attemptResult !== null || run.leaseOwner !== config.workerId) return false;
  await runtime.stop(id);
  const maxAttempts = Number((run.policy as { max_attempts?: number }).max_attempts ?? 1); // written by policySnapshot
  await recordEvent(store.db, {
    type: 'run.attempt.lost',
    correlationId: run.correlationId,
    runId: id,
    projectId: run.projectId,
    actor: worker,
    key: `${run.attempt}/attempt-lost`,
    payload: { attempt: run.attempt, max_attempts: maxAttempts },
  });
  if (run.attempt >= maxAttempts) {
    return failRun(context, { run, code: 'run.agent_crashed', message: `The agent process was lost ${run.attempt} times.` });
  }
  const next = await nextAttempt(store.db, { id, owner: config.workerId, attempt: run.attempt });
  if (next) await launchAttempt(context, next);
  return next !== undefined;
}
