import { describeError } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';

/** Acts on every row; a failing row is logged and postponed by `onError`, so it never blocks the next one. Returns how many were done. */
export async function each<T extends { id?: string; correlationId?: string }>(
  log: Logger,
  rows: readonly T[],
  act: (row: T) => Promise<boolean | void>,
  onError?: (row: T, error: unknown) => Promise<void>,
): Promise<number> {
  let done = 0;
  for (const row of rows) {
    try {
      if ((await act(row)) !== false) done += 1;
    } catch (error) {
      log.warn({ id: row.id, correlationId: row.correlationId, ...describeError(error), err: error }, 'row failed, tried again later');
      await onError?.(row, error);
    }
  }
  return done;
}
