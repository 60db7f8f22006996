import { describeError } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';
import type { DueRows } from '@codex-k8s/store';

/** Most rows that one reconciler acts on at once: each waits for the code host or the cluster nearly all of its time. */
export const actsAtOnce = 32;

export interface Row {
  readonly id: string;
  readonly correlationId?: string | null;
  readonly repositoryId?: string | null;
  readonly issueNumber?: number | null;
}

export interface Acts<T extends Row> {
  /** False: there was nothing to do. */
  readonly act: (row: T) => Promise<boolean | void>;
  /** A failing row is logged and postponed by this, so it never blocks the next one. */
  readonly onError?: ((row: T, error: unknown) => Promise<void>) | undefined;
}

/** Acts on every row of a list. Returns how many were done. */
export async function each<T extends Row>(
  log: Logger,
  rows: readonly T[],
  act: Acts<T>['act'],
  onError?: Acts<T>['onError'],
): Promise<number> {
  return eachOf(rows, (row) => isDone(log, row, { act, onError }));
}

export interface RowSource<T extends Row> extends Acts<T> {
  readonly read: (options: DueRows) => Promise<readonly T[]>;
}

/**
 * A pass that may begin while earlier ones wait for their slowest row: it reads as many rows as there is room for, without those under way. Rows of one issue are
 * acted on in turn, since each looks at what the one before has said there. A pass returns how many of its own rows were done.
 */
export function overlappingPass<T extends Row>(log: Logger, { read, ...acts }: RowSource<T>): () => Promise<number> {
  const underWay = new Set<string>();
  const lastOfIssue = new Map<unknown, Promise<boolean>>();
  let isReading = false;

  function begin(row: T): Promise<boolean> {
    const issue = row.repositoryId && row.issueNumber ? `${row.repositoryId}#${row.issueNumber}` : row;
    const before = lastOfIssue.get(issue) ?? Promise.resolve();
    const acting: Promise<boolean> = before
      .catch(() => undefined) // its own pass says so
      .then(() => isDone(log, row, acts))
      .finally(() => {
        underWay.delete(row.id);
        if (lastOfIssue.get(issue) === acting) lastOfIssue.delete(issue);
      });
    underWay.add(row.id);
    lastOfIssue.set(issue, acting);
    return acting;
  }

  async function beginDue(): Promise<readonly Promise<boolean>[]> {
    if (isReading || underWay.size >= actsAtOnce) return [];
    isReading = true;
    try {
      const rows = await read({ limit: actsAtOnce - underWay.size, except: [...underWay] });
      return rows.map(begin);
    } finally {
      isReading = false;
    }
  }

  return async () => {
    const ends = await Promise.allSettled(await beginDue());
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
    return ends.filter((end) => end.status === 'fulfilled' && end.value).length;
  };
}

async function isDone<T extends Row>(log: Logger, row: T, { act, onError }: Acts<T>): Promise<boolean> {
  try {
    return (await act(row)) !== false;
  } catch (error) {
    log.warn({ id: row.id, correlationId: row.correlationId, ...describeError(error), err: error }, 'row failed, tried again later');
    await onError?.(row, error);
    return false;
  }
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
