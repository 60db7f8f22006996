import type { Reconciler } from '@codex-k8s/runtime';
import {
  decideAction,
  findOpenRequest,
  listExpiredRequests,
  listOrphanedRequests,
  listOverdueRuns,
  moveRun,
  countOpenRequests,
} from '@codex-k8s/store';
import { worker, type Context } from '../app/context.ts';
import { each } from '../app/each.ts';
import { failRun, setStage } from '../app/fail-run.ts';

/** The platform owns the clock: no agent has one (NFR-012). A run that waits for a tool call has no end time, so it is never listed. */
export function endOverdueRuns(context: Context): Reconciler {
  const { config, store, log } = context;
  return {
    name: 'end-overdue-runs',
    everyMs: config.pollMs,
    reconcile: async () =>
      each(log, await listOverdueRuns(store.db, 50), async (run) => {
        const isReview = run.status === 'waiting_owner_review';
        const request = isReview ? await findOpenRequest(store.db, { runId: run.id, toolName: 'owner_review' }) : undefined;
        if (request)
          await decideAction(store.db, { id: request.id, state: 'expired', actor: worker, reason: 'the owner did not decide in time' });
        const code = isReview ? 'run.review_timed_out' : 'run.timed_out';
        const message = isReview
          ? 'The owner did not decide in time.'
          : `The run was still working at ${run.timeoutAt?.toISOString() ?? 'its end time'}.`;
        await failRun(context, { run, code, message, move: 'timeOut' });
      }),
  };
}

/**
 * Requests that nobody decided in time are closed; the run goes on without an answer, and the agent is told so. The same
 * for requests of runs that are over.
 */
export function expireRequests(context: Context): Reconciler {
  const { config, store, log } = context;
  return {
    name: 'expire-requests',
    everyMs: Math.max(config.pollMs, 5_000),
    reconcile: async () => {
      const expired = await listExpiredRequests(store.db, 50);
      let done = 0;
      for (const { id, correlationId } of expired) {
        try {
          await store.db.transaction().execute(async (tx) => {
            const closed = await decideAction(tx, { id, state: 'expired', actor: worker });
            if (closed?.toolName === 'owner_review' && closed.runId !== null) {
              const failure = { code: 'run.review_timed_out', message: 'The owner did not decide in time.' } as const;
              const run = await moveRun(tx, 'timeOut', { id: closed.runId, actor: worker, failure });
              if (run) await setStage(tx, run, 'failed');
              return;
            }
            if (!closed || closed.runId === null || (await countOpenRequests(tx, closed.runId)) > 0) return;
            await moveRun(tx, 'resume', { id: closed.runId, actor: worker, payload: { request_id: id, approval_state: 'expired' } });
          });
          done += 1;
        } catch (error) {
          log.warn({ id, correlationId, err: error }, 'request could not be expired');
        }
      }
      const orphaned = (await listOrphanedRequests(store.db, 50)).map(({ id, correlationId }) => ({
        id: String(id),
        correlationId,
        request: id,
      }));
      return (
        done +
        (await each(log, orphaned, async ({ request }) => {
          await decideAction(store.db, { id: request, state: 'failed', actor: worker, reason: 'the run is over' });
        }))
      );
    },
  };
}
