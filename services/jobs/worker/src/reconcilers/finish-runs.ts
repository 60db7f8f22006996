import { AppError, describeError, errorCodes, isErrorCode, type ErrorCode } from '@codex-k8s/domain';
import { inSpan, ofRun, type Reconciler } from '@codex-k8s/runtime';
import { databaseNow, decideAction, findOpenRequest, listClaimedResults, moveRun, nextAttempt, type Run } from '@codex-k8s/store';
import type { AttemptClaim } from '../app/attempt-claim.ts';
import { worker, type Context } from '../app/context.ts';
import { deliver } from '../app/deliver.ts';
import { overlappingPass } from '../app/each.ts';
import { failRun } from '../app/fail-run.ts';
import { keepPodLog } from '../app/keep-pod-log.ts';
import { postReview } from '../app/post-review.ts';
import { mayPass, postponeRun, waitSecOf } from '../app/try-again.ts';
import { beginAttempt } from './begin-attempt.ts';

const retrySec = 10;
const longestRetrySec = 600;
/** How long a finished attempt waits for a host that is away: its work is done, so waiting costs nothing. */
const hostPatienceMs = 24 * 3_600_000;
const defectPatienceMs = 600_000;

/** The runner's claim becomes an outcome only after the code host was asked (design, promise 1). */
export function finishRuns(context: Context): Reconciler {
  const { config, store, log } = context;
  return {
    name: 'finish-runs',
    everyMs: config.pollMs,
    restMs: 100,
    overlaps: true,
    reconcile: overlappingPass(log, {
      read: (options) => listClaimedResults(store.db, { owner: config.workerId, ...options }),
      act: (run) => settle(context, run),
      onError: (run, error) => postponeOrFail(context, run, error),
    }),
  };
}

/** False: the run moved on meanwhile, and there is nothing to do. */
async function settle(context: Context, claimed: Run): Promise<boolean> {
  const run = claimed.status === 'waiting_mcp' ? await leaveWait(context, claimed) : claimed;
  if (!run) return false;
  const claim = run.attemptResult as unknown as AttemptClaim; // written by finishAttempt, checked by the contract
  switch (claim.outcome) {
    case 'failed':
      return settleFailure(context, run, claim);
    case 'delivered':
      if (run.runKind === 'review') throw new AppError('run.delivery_unconfirmed', 'A reviewer run may not deliver commits.');
      return inSpan('verify delivery', ofRun(run), () => deliver(context, run, claim));
    case 'reviewed':
      if (run.runKind !== 'review') throw new AppError('run.nothing_delivered', 'The run ended as a review but had to deliver.');
      return inSpan('post review', ofRun(run), () => postReview(context, run));
  }
}

/** An attempt that has ended does not wait for an answer any more: its questions are closed, or the run would wait for nobody. */
async function leaveWait({ store }: Context, run: Run): Promise<Run | undefined> {
  return store.db.transaction().execute(async (tx) => {
    const open = await findOpenRequest(tx, { runId: run.id, toolName: 'owner_feedback_request' });
    if (open) await decideAction(tx, { id: open.id, state: 'failed', actor: worker, reason: 'the agent ended before the answer' });
    return moveRun(tx, 'resume', { id: run.id, attempt: run.attempt, actor: worker, payload: { attempt_ended: true } });
  });
}

async function settleFailure(context: Context, run: Run, claim: AttemptClaim): Promise<boolean> {
  const code: ErrorCode = isErrorCode(claim.failure_code) ? claim.failure_code : 'run.agent_failed';
  const message = claim.failure_message ?? errorCodes[code].cause;
  await keepPodLog(context, run);
  if (code === 'run.agent_crashed' && (await resumeCrashed(context, run))) return true;
  if (errorCodes[code].retry && (await attemptLater(context, run, new AppError(code, message)))) return true;
  return failRun(context, { run, code, message });
}

/** An agent that was killed or fell over goes on from its session, as often as the policy allows. False: not any more. */
async function resumeCrashed(context: Context, run: Run): Promise<boolean> {
  const maxAttempts = (run.policy as { max_attempts?: number }).max_attempts ?? 1; // written by policySnapshot
  if (run.losses + 1 >= maxAttempts) return false;
  await beginNextAttempt(context, run, { isLoss: true });
  return true;
}

/** What stopped the attempt may pass, such as a host that is away: another attempt goes on, later each time. False: the run's time is over. */
async function attemptLater(context: Context, run: Run, error: AppError): Promise<boolean> {
  const until = run.timeoutAt ?? new Date((run.startedAt ?? run.createdAt).getTime() + hostPatienceMs);
  if (until < (await databaseNow(context.store.db))) return false;
  if (run.retryAt === null) {
    const waitSec = Math.min(longestRetrySec, retrySec * 2 ** Math.min(10, run.attempt - 1));
    await postponeRun(context, run, { error, waitSec });
  } else await beginNextAttempt(context, run, { isLoss: false });
  return true;
}

async function beginNextAttempt(context: Context, run: Run, { isLoss }: { isLoss: boolean }): Promise<void> {
  const owner = context.config.workerId;
  const next = await nextAttempt(context.store.db, { id: run.id, owner, attempt: run.attempt, isLoss, hasResult: true });
  if (next) await beginAttempt(context, next);
}

/** A host that is away costs time, not the run; anything else is the run's outcome. */
async function postponeOrFail(context: Context, run: Run, error: unknown): Promise<void> {
  const now = await databaseNow(context.store.db);
  const waitedMs = now.getTime() - (run.heartbeatAt ?? run.startedAt ?? run.createdAt).getTime();
  const patienceMs = error instanceof AppError ? hostPatienceMs : defectPatienceMs;
  if (mayPass(error) && waitedMs < patienceMs) await postponeRun(context, run, { error, waitSec: waitSecOf(error, retrySec) });
  else await failRun(context, { run, ...describeError(error) });
}
