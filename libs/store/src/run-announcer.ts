import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Store } from './store.ts';

/**
 * Wakes the workers after a run was created. Not by a trigger: a commit that notifies holds a lock of the whole database until it is on disk, so
 * that deliveries would commit one by one. One notification for all runs of some milliseconds; a lost one costs a poll interval.
 */
export function createRunAnnouncer({ db }: Pick<Store, 'db'>, onError: (error: unknown) => void): () => void {
  const gatherMs = 20;
  let isPlanned = false;
  async function announce(): Promise<void> {
    await sleep(gatherMs);
    isPlanned = false;
    await sql`select pg_notify('codexk8s', 'run:created')`.execute(db);
  }
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    announce().catch(onError);
  };
}
