/** How often the attempts that work say that they live: many together no oftener than the database is to bear. */
import { countWorkingRuns, type Store } from '@codex-k8s/store';

const shortestSec = 5;
const beatsPerSec = 50;
const countedForMs = 5_000;

/** Seconds between two signs of life of each of so many attempts. */
export function heartbeatSec(working: number): number {
  return Math.max(shortestSec, working / beatsPerSec);
}

/** Those seconds for as many as work now; they are counted every few seconds, however many ask. */
export function heartbeatPace({ read }: Pick<Store, 'read'>): () => Promise<number> {
  let counted: Promise<number> | undefined;
  let countedAt = 0;
  return async () => {
    if (!counted || performance.now() - countedAt > countedForMs) {
      countedAt = performance.now();
      counted = countWorkingRuns(read).then(heartbeatSec, () => shortestSec);
    }
    return counted;
  };
}
