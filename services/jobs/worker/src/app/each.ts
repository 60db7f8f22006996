import { describeError } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';

/** Most rows that one reconciler acts on at once: each waits for the code host or the cluster nearly all of its time. */
export const actsAtOnce = 32;

interface Row {
  readonly id?: string;
  readonly correlationId?: string;
  readonly repositoryId?: string | null;
  readonly issueNumber?: number | null;
}

/**
 * Acts on every row, on those of one issue in turn, since each looks at what the one before has said there; a failing row is logged and postponed
 * by `onError`, so it never blocks the next one. Returns how many were done.
 */
export async function each<T extends Row>(
  log: Logger,
  rows: readonly T[],
  act: (row: T) => Promise<boolean | void>,
  onError?: (row: T, error: unknown) => Promise<void>,
): Promise<number> {
  async function isDone(row: T): Promise<boolean> {
    try {
      return (await act(row)) !== false;
    } catch (error) {
      log.warn({ id: row.id, correlationId: row.correlationId, ...describeError(error), err: error }, 'row failed, tried again later');
      await onError?.(row, error);
      return false;
    }
  }
  let done = 0;
  await eachOf(byIssue(rows).values(), async (turns) => {
    for (const row of turns) if (await isDone(row)) done += 1;
    return true;
  });
  return done;
}

function byIssue<T extends Row>(rows: readonly T[]): Map<unknown, T[]> {
  return Map.groupBy(rows, (row) => (row.repositoryId && row.issueNumber ? `${row.repositoryId}#${row.issueNumber}` : row));
}

/** Takes the next row only when there is room to act on it. Returns how many acts were true; one that throws ends it, after those under way. */
export async function eachOf<T>(rows: Iterable<T> | AsyncIterable<T>, act: (row: T) => Promise<boolean>): Promise<number> {
  let done = 0;
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const row of rows) {
      const one: Promise<void> = act(row)
        .then((isDone) => void (done += isDone ? 1 : 0))
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= actsAtOnce) await Promise.race(underWay);
      if (failure) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failure) throw failure.error;
  return done;
}
