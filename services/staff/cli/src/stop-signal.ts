import type { Environment } from './config.ts';

export interface StopSignal {
  readonly signal: AbortSignal;
  /** Resolves at the first SIGINT, SIGTERM or SIGHUP. */
  readonly done: Promise<void>;
  /** Asks to stop from inside. */
  abort(): void;
}

interface StopOptions {
  /** What runs us may die without passing a signal on, such as npm's shell; then its end counts as the signal. */
  readonly endsWithParent: boolean;
}

const watchMs = 250;

/** Keeps listening: a terminal and a parent may both send the signal, and the second must not cut the orderly stop short. */
export function stopSignal({ endsWithParent }: StopOptions): StopSignal {
  const controller = new AbortController();
  const done = new Promise<void>((resolve) => {
    const stop = (): void => {
      controller.abort();
      resolve();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
    if (endsWithParent) onceOrphaned(stop);
  });
  return { signal: controller.signal, done, abort: () => controller.abort() };
}

function onceOrphaned(stop: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, watchMs).unref();
}

/** Did `npm start`, `npm run …` or our own first half under an older Node start this process? */
export function isRunByWrapper(environment: Environment): boolean {
  return environment['npm_lifecycle_event'] !== undefined || environment['CODEXK8S_CLI_RERUN'] !== undefined;
}
