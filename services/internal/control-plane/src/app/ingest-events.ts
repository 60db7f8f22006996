/**
 * Deliveries that come while earlier ones are being stored share a transaction: one commit and one statement of each kind for all of them. A
 * batch holds each issue once, so the locks decide as they would for single deliveries. When one delivery fails, everything of its batch is
 * undone and each is tried again in a transaction of its own; so no delivery suffers from another.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isAppError } from '@codex-k8s/domain';
import { inBatches } from '@codex-k8s/runtime';
import { issueLockKey, translateDatabaseError } from '@codex-k8s/store';
import type { Context } from './context.ts';
import { ingestEvent, readArrival, type Arrival, type IngestAnswer, type IngestInput } from './ingest-event.ts';

interface Item {
  readonly arrival: Arrival;
  /** Spans of the delivery hang on its own request, not on that of the batch's first. */
  readonly enter: <T>(act: () => T) => T;
}

/** The use case for one delivery. */
export function createIngest(context: Context): (input: IngestInput) => Promise<IngestAnswer> {
  const store = inBatches<Item, IngestAnswer>({
    patienceMs: 20,
    atOnce: 4,
    maxItems: 64,
    keysOf: ({ arrival: { deliveryId, place } }) => [`delivery:${deliveryId}`, issueLockKey(place)],
    run: async (items) => {
      const answers = await storeBatch(context, items);
      if (answers.some((answer) => answer.status === 'fulfilled' && answer.value.run_id !== undefined)) context.announceRun();
      return answers;
    },
  });
  return async (input) => store({ arrival: readArrival(input), enter: AsyncLocalStorage.snapshot() });
}

async function storeBatch(context: Context, items: readonly Item[]): Promise<PromiseSettledResult<IngestAnswer>[]> {
  try {
    const answers = await storeTogether(context, items);
    return answers.map((value) => ({ status: 'fulfilled', value }));
  } catch (error) {
    if (items.length === 1 || isOfDatabase(error)) throw error;
  }
  const answers: PromiseSettledResult<IngestAnswer>[] = [];
  for (const item of items) answers.push(...(await Promise.allSettled([storeAlone(context, item)])));
  return answers;
}

async function storeTogether(context: Context, items: readonly Item[]): Promise<IngestAnswer[]> {
  return context.store.db.transaction().execute(async (tx) => {
    // All have ended before the transaction does: none may write after it was undone.
    const decisions = await Promise.allSettled(items.map(({ arrival, enter }) => enter(() => ingestEvent(context, tx, arrival))));
    return decisions.map((decision) => {
      if (decision.status === 'rejected') throw decision.reason;
      return decision.value;
    });
  });
}

async function storeAlone(context: Context, { arrival, enter }: Item): Promise<IngestAnswer> {
  return context.store.db.transaction().execute((tx) => enter(() => ingestEvent(context, tx, arrival)));
}

/** Of the connection or the disk: it would meet each delivery alone as well. */
function isOfDatabase(error: unknown): boolean {
  const translated = translateDatabaseError(error);
  return isAppError(translated) && translated.code.startsWith('database.');
}
