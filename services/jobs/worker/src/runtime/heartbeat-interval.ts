const shortestSec = 5;
/** What the database is to bear of signs of life, all runs together. */
const beatsPerSec = 50;

/**
 * Seconds between two signs of life of an attempt that begins beside `inFlight` others: the more there are, the longer, but one that is heard three times too late
 * is never taken for dead.
 */
export function heartbeatSec({ inFlight, timeoutSec }: { readonly inFlight: number; readonly timeoutSec: number }): number {
  return Math.min(timeoutSec / 4, Math.max(shortestSec, inFlight / beatsPerSec));
}
