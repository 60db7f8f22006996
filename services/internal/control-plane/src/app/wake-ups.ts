import type { Store } from '@codex-k8s/store';
import type { Waiter } from './run-history.ts';

/** Turns the database's notifications into early ends of waits. Everything works without them, only later. */
export async function startWakeUps(store: Store): Promise<Waiter> {
  const waiting = new Map<string, Set<() => void>>();
  await store.listen('codexk8s', (key) => {
    const woken = key === '' ? [...waiting.values()].flatMap((set) => [...set]) : (waiting.get(key) ?? []);
    for (const wake of woken) wake();
  });
  return {
    wait: (key, ms, signal) =>
      new Promise((resolve) => {
        const set = waiting.get(key) ?? new Set();
        waiting.set(key, set);
        const timer = setTimeout(done, ms);
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          set.delete(done);
          if (set.size === 0 && waiting.get(key) === set) waiting.delete(key);
          resolve();
        }
        set.add(done);
        signal.addEventListener('abort', done, { once: true });
        if (signal.aborted) done();
      }),
  };
}
