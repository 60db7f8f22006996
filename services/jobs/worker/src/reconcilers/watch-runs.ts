import type { Reconciler } from '@codex-k8s/runtime';
import { adoptRuns, getRun, listWatchedRuns, nextAttempt, recordEvent, renewLeases, type WatchedRun } from '@codex-k8s/store';
import type { AliveAttempt } from '../app/agent-runtime.ts';
import { worker, type Context } from '../app/context.ts';
import { each } from '../app/each.ts';
import { failRun } from '../app/fail-run.ts';
import { keepPodLog } from '../app/keep-pod-log.ts';
import { beginAttempt } from './begin-attempt.ts';

/**
 * Keeps this worker's runs leased, adopts those whose worker is gone, and replaces a lost or silent process by the next attempt, which
 * resumes the session. More losses than the policy allows fail the run.
 */
export function watchRuns(context: Context): Reconciler {
  const { config, store, runtime, log } = context;
  return {
    name: 'watch-runs',
    everyMs: Math.min(config.pollMs, (config.leaseSec * 1000) / 3),
    restMs: 1_000,
    reconcile: async () => {
      const lease = { owner: config.workerId, leaseSec: config.leaseSec };
      await renewLeases(store.db, lease);
      const adopted = await adoptRuns(store.db, lease);
      for (const run of adopted) {
        await recordEvent(store.db, {
          type: 'run.reclaimed_after_stale_lease',
          correlationId: run.correlationId,
          runId: run.id,
          projectId: run.projectId,
          actor: worker,
          payload: { worker: config.workerId, attempt: run.attempt },
        });
      }
      const alive = Map.groupBy(await runtime.listAlive(), ({ runId }) => runId);
      // An older attempt may be alive beside the run's own, as when a worker launched it late: it says nothing about the run.
      const own = ({ id, attempt }: WatchedRun): AliveAttempt | undefined => alive.get(id)?.find((one) => one.attempt === attempt);
      const lost = (await listWatchedRuns(store.db, config.workerId)).filter(
        (run) => run.retryAt !== null || isLost(context, run, own(run)),
      );
      const adoptedIds = new Set(adopted.map(({ id }) => id));
      await each(log, lost, (run) =>
        replace(context, run, { isLoss: !adoptedIds.has(run.id) && !alive.has(run.id), notStarted: own(run)?.notStarted }),
      );
      return 0; // replaced runs are watched at the next pass like any other
    },
  };
}

function isLost({ config }: Context, run: WatchedRun, alive: AliveAttempt | undefined): boolean {
  if (!alive) return true;
  return run.silentSec > (alive.notStarted ? config.startTimeoutSec : config.heartbeatTimeoutSec);
}

interface Loss {
  readonly isLoss: boolean;
  /** It never began, within the time a start may take. */
  readonly notStarted: AliveAttempt['notStarted'];
}

/** `isLoss`: the process ended by itself under this worker's eyes. What a restart of the platform took with it, or what only fell silent, does not count. */
async function replace(context: Context, { id }: WatchedRun, { isLoss, notStarted }: Loss): Promise<boolean> {
  const { config, store, runtime } = context;
  // The process may have reported between our reading and its end: only a run that still has no result is lost.
  const run = await getRun(store.db, id);
  if (!run || run.attemptResult !== null || run.leaseOwner !== config.workerId) return false;
  if (run.retryAt !== null) return beginAttempt(context, run); // it could not be launched before
  if (notStarted) return failRun(context, { run, code: notStarted.code, message: notStarted.message });
  const trouble = isLoss ? await runtime.explainEnd({ runId: id, attempt: run.attempt }) : undefined;
  await keepPodLog(context, run);
  await runtime.stop(id);
  const maxAttempts = (run.policy as { max_attempts?: number }).max_attempts ?? 1; // written by policySnapshot
  const losses = run.losses + (isLoss ? 1 : 0);
  await recordEvent(store.db, {
    type: 'run.attempt.lost',
    correlationId: run.correlationId,
    runId: id,
    projectId: run.projectId,
    actor: worker,
    key: `${run.attempt}/attempt-lost`,
    payload: { attempt: run.attempt, losses, max_attempts: maxAttempts, ...(trouble && { reason: trouble.code }) },
  });
  if (losses >= maxAttempts) {
    const { code, message } = trouble ?? { code: 'run.agent_crashed' as const, message: 'It ended without a word.' };
    return failRun(context, { run, code, message: `The agent process was lost ${losses} times. ${message}` });
  }
  const next = await nextAttempt(store.db, { id, owner: config.workerId, attempt: run.attempt, isLoss });
  return next !== undefined && beginAttempt(context, next);
}
