import { AppError, describeError, errorCodes, isErrorCode, isRetryable, type ErrorCode } from '@codex-k8s/domain';
import { inSpan, ofRun, type Reconciler } from '@codex-k8s/runtime';
import { changeRun, listClaimedResults, nextAttempt, type Run } from '@codex-k8s/store';
import type { AttemptClaim } from '../app/attempt-claim.ts';
import type { Context } from '../app/context.ts';
import { deliver } from '../app/deliver.ts';
import { each } from '../app/each.ts';
import { failRun } from '../app/fail-run.ts';
import { postReview } from '../app/post-review.ts';
import { launchAttempt } from './start-pending-runs.ts';

const retrySec = 10;

/** The runner's claim becomes an outcome only after the code host was asked (design, promise 1). */
export function finishRuns(context: Context): Reconciler {
  const { config, store, log } = context;
  return {
    name: 'finish-runs',
    everyMs: config.pollMs,
    reconcile: async () =>
      each(
        log,
        await listClaimedResults(store.db, { owner: config.workerId, limit: 50 }),
        (run) => settle(context, run),
        (run, error) => postponeOrFail(context, run, error),
      ),
  };
}

async function settle(context: Context, run: Run): Promise<void> {
  const claim = run.attemptResult as unknown as AttemptClaim; // written by finishAttempt, checked by the contract
  switch (claim.outcome) {
    case 'failed': {
      const code: ErrorCode = isErrorCode(claim.failure_code) ? claim.failure_code : 'run.agent_failed';
      if (code === 'run.agent_crashed' && (await resumeCrashed(context, run))) return;
      await failRun(context, { run, code, message: claim.failure_message ?? errorCodes[code].cause });
      return;
    }
    case 'delivered':
      if (run.runKind === 'review') throw new AppError('run.delivery_unconfirmed', 'A reviewer run may not deliver commits.');
      await inSpan('verify delivery', ofRun(run), () => deliver(context, run, claim));
      return;
    case 'reviewed':
      if (run.runKind !== 'review') throw new AppError('run.nothing_delivered', 'The run ended as a review but had to deliver.');
      await inSpan('post review', ofRun(run), () => postReview(context, run));
      return;
  }
}

/** An agent that was killed or fell over goes on from its session, as often as the policy allows. False: not any more. */
async function resumeCrashed(context: Context, run: Run): Promise<boolean> {
  const maxAttempts = (run.policy as { max_attempts?: number }).max_attempts ?? 1; // written by policySnapshot
  if (run.losses + 1 >= maxAttempts) return false;
  const next = await nextAttempt(context.store.db, {
    id: run.id,
    owner: context.config.workerId,
    attempt: run.attempt,
    isLoss: true,
    hasResult: true,
  });
  if (next) await launchAttempt(context, next);
  return true;
}

/** A host that is away costs time, not the run; anything else is the run's outcome. */
async function postponeOrFail(context: Context, run: Run, error: unknown): Promise<void> {
  if (isRetryable(error) || !(error instanceof AppError)) {
    await changeRun(context.store.db, { id: run.id, attempt: run.attempt, set: { retryAt: new Date(Date.now() + retrySec * 1000) } });
    return;
  }
  await failRun(context, { run, ...describeError(error) });
}
