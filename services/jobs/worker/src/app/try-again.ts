/** What may pass by itself is tried again later; how long to wait, and when that is enough. */
import { AppError, describeError, isAppError, isRetryable } from '@codex-k8s/domain';
import { getRepository, postponeOutcome, recordEvent, type Run } from '@codex-k8s/store';
import { worker, type Context } from './context.ts';

/** A host that limits us says until when (`retryAfterSec` of libs/github). More than an hour is asked about once an hour. */
const longestWaitSec = 3_600;

export function waitSecOf(error: unknown, fallbackSec: number): number {
  const named = isAppError(error) ? error.details['retryAfterSec'] : undefined;
  return typeof named === 'number' && named > 0 ? Math.min(longestWaitSec, named) : fallbackSec;
}

/** Anything that is not a failure of the table is a defect or the database's bad moment: worth another try, but no patience of a day. */
export function mayPass(error: unknown): boolean {
  return isRetryable(error) || !(error instanceof AppError);
}

/** A repository that is gone or closed to us is asked rarely. */
const deniedWaitSec = 3_600;
/** A transaction that ends now has the time at which it began. */
const storingMs = 5_000;

/**
 * How long a comment waits that could not be posted in a pass begun at `since`, by the database's clock. A token that was stored meanwhile is tried at once: storing
 * it hurries what waits, but cannot see what is just failing with the old one.
 */
export async function commentWaitSec(
  { store }: Context,
  { error, repositoryId, since, retrySec }: { error: unknown; repositoryId: string | null; since: Date; retrySec: number },
): Promise<number> {
  if (mayPass(error)) return waitSecOf(error, retrySec);
  const repository = repositoryId === null ? undefined : await getRepository(store.db, repositoryId);
  const hasChanged = repository !== undefined && repository.updatedAt.getTime() > since.getTime() - storingMs;
  return hasChanged ? retrySec : deniedWaitSec;
}

/** Puts the run's outcome off until the host can be asked again, and says so in its timeline, once per attempt and reason. */
export async function postponeRun({ store }: Context, run: Run, { error, waitSec }: { error: unknown; waitSec: number }): Promise<void> {
  const { code, message } = describeError(error);
  const retryAt = await postponeOutcome(store.db, { id: run.id, attempt: run.attempt, waitSec });
  if (!retryAt) return;
  await recordEvent(store.db, {
    type: 'run.postponed',
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: worker,
    key: `${run.attempt}/postponed/${code}`,
    payload: { attempt: run.attempt, code, message, retry_at: retryAt.toISOString() },
  });
}
