import { describeError } from '@codex-k8s/domain';
import { changeRun, type Run } from '@codex-k8s/store';
import type { Context } from '../app/context.ts';
import { postponeRun, waitSecOf } from '../app/try-again.ts';
import { launchOrFail } from './start-pending-runs.ts';

const retrySec = 15;

/**
 * Launches a further attempt of a started run. A cluster that does not take it now is asked again for the same attempt: an attempt that has never
 * begun was not lost, and must not count as one. False: not yet, or the run has failed.
 */
export async function beginAttempt(context: Context, run: Run): Promise<boolean> {
  try {
    if (!(await launchOrFail(context, run))) return false;
  } catch (error) {
    context.log.warn(
      { runId: run.id, correlationId: run.correlationId, ...describeError(error), err: error },
      'attempt could not be launched, tried again later',
    );
    await postponeRun(context, run, { error, waitSec: waitSecOf(error, retrySec) });
    return false;
  }
  if (run.retryAt !== null) await changeRun(context.store.db, { id: run.id, attempt: run.attempt, set: { retryAt: null } });
  return true;
}
