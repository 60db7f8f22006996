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
  /** A wake begins a pass, this long after the one before began at the earliest: every event of every run wakes. Undefined: the clock alone does. */
  readonly restMs?: number;
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
    const { everyMs, restMs } = reconciler;
    const passes = new Set<Promise<void>>();
    const alarm = createAlarm();
    let isWoken = false; // also by what came during a pass, which may have read before it
    let begunAt = 0;
    stop.signal.addEventListener('abort', () => alarm.ringIn(0));
    if (restMs !== undefined) {
      wakers.add(() => {
        if (!isWoken) alarm.ringIn(begunAt + restMs - performance.now());
        isWoken = true;
      });
    }
    while (!stop.signal.aborted) {
      [isWoken, begunAt] = [false, performance.now()];
      const pass: Promise<void> = runPass(reconciler).then((isDue) => {
        passes.delete(pass);
        if (isDue) alarm.ringIn(0); // whichever pass began after it
      });
      passes.add(pass);
      if (!reconciler.overlaps) await pass;
      await alarm.within(everyMs);
    }
    await Promise.all(passes);
  }

  const loops = list.map(loop);
  return {
    lastPassAt,
    wake: () => {
      for (const wake of wakers) wake();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(loops);
    },
  };
}

/** Rings once, at the earliest of the times it was set to; what rang while nobody waited is kept. */
function createAlarm(): { ringIn(ms: number): void; within(ms: number): Promise<void> } {
  let rung = Promise.withResolvers<void>();
  let timers: NodeJS.Timeout[] = [];
  function ringIn(ms: number): void {
    if (ms > 0) timers.push(setTimeout(rung.resolve, ms));
    else rung.resolve();
  }
  return {
    ringIn,
    within: async (ms) => {
      ringIn(ms);
      await rung.promise;
      for (const timer of timers) clearTimeout(timer);
      [rung, timers] = [Promise.withResolvers<void>(), []];
    },
  };
}
