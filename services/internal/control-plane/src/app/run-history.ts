import { getLogHead, getRun, listRunEvents, readLog, type FlowEvent, type LogHead, type NumberedLine } from '@codex-k8s/store';
import { AppError, isFinal } from '@codex-k8s/domain';
import type { Context } from './context.ts';

export async function listEvents(
  { store }: Context,
  { runId, after, limit }: { runId: string; after: number; limit: number },
): Promise<FlowEvent[]> {
  return listRunEvents(store.db, { runId, after, limit });
}

export interface LogPage {
  readonly head: LogHead;
  readonly lines: NumberedLine[];
}

export async function readRunLog(
  { store }: Context,
  range: { runId: string; after?: number | undefined; before?: number | undefined; search?: string | undefined; limit: number },
): Promise<LogPage> {
  const [head, lines] = await Promise.all([getLogHead(store.db, range.runId), readLog(store.db, range)]);
  return { head, lines };
}

export interface Following {
  readonly runId: string;
  /** Only what is newer. */
  readonly after: number;
  readonly signal: AbortSignal;
}

const followEveryMs = 1_000;

/** What `follow` needs to know when something may have changed: a notification, or the clock. */
export interface Waiter {
  wait(key: string, ms: number, signal: AbortSignal): Promise<void>;
}

/** Log lines as they come; ends when the run is final and everything was given. */
export async function* followLog({ store }: Context, waiter: Waiter, { runId, after, signal }: Following): AsyncGenerator<NumberedLine[]> {
  let last = after;
  while (!signal.aborted) {
    const run = await getRun(store.db, runId);
    const lines = await readLog(store.db, { runId, after: last, limit: 1000 });
    const newest = lines.at(-1);
    if (newest) {
      last = newest.n;
      yield lines;
    } else if (!run || isFinal(run.status)) {
      return;
    } else {
      await waiter.wait(`log:${runId}`, followEveryMs, signal);
    }
  }
}

/** Events as they come; ends when the run is final and everything was given. */
export async function* followEvents({ store }: Context, waiter: Waiter, { runId, after, signal }: Following): AsyncGenerator<FlowEvent[]> {
  let last = after;
  let isFirst = true;
  while (!signal.aborted) {
    const run = await getRun(store.db, runId);
    if (!run) throw new AppError('run.not_found', 'There is no such run.');
    const events = await listRunEvents(store.db, { runId, after: last, limit: 500 });
    last = events.at(-1)?.id ?? last;
    if (events.length > 0 || isFirst) yield events;
    isFirst = false;
    if (events.length > 0) continue;
    if (isFinal(run.status)) return;
    await waiter.wait(`event:${runId}`, followEveryMs, signal);
  }
}
