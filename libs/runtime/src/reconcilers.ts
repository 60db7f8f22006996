import { describeError } from '@codex-k8s/domain';
import type { Logger } from './logger.ts';

/**
 * The worker's loop. A reconciler lists what the database says is to be done, acts, and guards each change by a conditional update.
 * It takes no argument, so a restart, a second replica and a lost wake-up are the ordinary case: the clock is the floor, `wake` only
 * shortens the wait. A failure is logged and the loop goes on.
 */
export interface Reconciler {
  readonly name: string;
  readonly everyMs: number;
  /** A pass begins although earlier ones still wait for their slowest row; the reconciler itself leaves out what they act on. Otherwise one never runs twice at once. */
  readonly overlaps?: boolean;
  /** Returns how many rows it changed; more than none means it runs again at once. */
  readonly reconcile: (signal: AbortSignal) => Promise<number>;
}

export interface Reconcilers extends AsyncDisposable {
  /** Run every reconciler soon, as after a NOTIFY. */
  wake(): void;
  /** Epoch milliseconds of the last completed pass by name: for readiness and metrics. */
  readonly lastPassAt: ReadonlyMap<string, number>;
}

export interface ReconcilerHooks {
  /** Called after each pass. Seconds and rows for metrics. */
  readonly onPass?: (pass: { name: string; seconds: number; changed: number; failed: boolean }) => void;
}

export function startReconcilers(log: Logger, list: readonly Reconciler[], hooks: ReconcilerHooks = {}): Reconcilers {
  const stop = new AbortController();
  const lastPassAt = new Map<string, number>();
  const wakers = new Set<() => void>();

  /** Ends after `ms`, at a wake, or when `due` is aborted: whichever comes first. */
  async function pause(ms: number, due: AbortSignal): Promise<void> {
    if (stop.signal.aborted || due.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        wakers.delete(done);
        resolve();
      }
      wakers.add(done);
      due.addEventListener('abort', done);
    });
  }

  /** Whether the next pass is to begin at once. */
  async function runPass({ name, reconcile }: Reconciler): Promise<boolean> {
    const startedAt = Date.now();
    let changed = 0;
    let failed = false;
    try {
      changed = await reconcile(stop.signal);
    } catch (error) {
      failed = true;
      if (!stop.signal.aborted) log.warn({ reconciler: name, ...describeError(error), err: error }, 'reconciler pass failed');
    }
    lastPassAt.set(name, Date.now());
    hooks.onPass?.({ name, seconds: (Date.now() - startedAt) / 1000, changed, failed });
    return changed > 0 && !failed;
  }

  async function loop(reconciler: Reconciler): Promise<void> {
    const passes = new Set<Promise<void>>();
    let due = new AbortController();
    while (!stop.signal.aborted) {
      due = new AbortController();
      const pass: Promise<void> = runPass(reconciler).then((isDue) => {
        passes.delete(pass);
        if (isDue) due.abort(); // of the pause that is now, whichever pass began before it
      });
      passes.add(pass);
      if (!reconciler.overlaps) await pass;
      await pause(reconciler.everyMs, due.signal);
    }
    await Promise.all(passes);
  }

  const loops = list.map(loop);
  return {
    lastPassAt,
    wake: () => {
      for (const done of wakers) done();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      for (const done of wakers) done();
      await Promise.all(loops);
    },
  };
}
