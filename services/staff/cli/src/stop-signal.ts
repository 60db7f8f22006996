export interface StopSignal {
  readonly signal: AbortSignal;
  /** Resolves at the first SIGINT, SIGTERM or SIGHUP. */
  readonly done: Promise<void>;
  /** Asks to stop from inside. */
  abort(): void;
}

/** Keeps listening: a terminal and a parent may both send the signal, and the second must not cut the orderly stop short. */
export function stopSignal(): StopSignal {
  const controller = new AbortController();
  const done = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        controller.abort();
        resolve();
      });
    }
  });
  return { signal: controller.signal, done, abort: () => controller.abort() };
}
