/** One worker's claims, in a process and over connections of its own: begins when told on standard input, ends when nothing is left to claim. */
import { once } from 'node:events';
import { claimPendingRuns, openStore } from '@codex-k8s/store';
import { sql } from 'kysely';

const { url, owner, claimable } = JSON.parse(process.argv[2] ?? '') as { url: string; owner: string; claimable: number }; // written by main.ts
await using store = openStore(url);
const countLeased = async (): Promise<number> => {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from core.agent_runs where lease_until > now()`.execute(
    store.db,
  );
  return rows[0]?.count ?? 0;
};
await countLeased();
console.log('ready');
await once(process.stdin, 'data');

const claimed: string[] = [];
let lastAt = performance.now();
while (performance.now() - lastAt < 30_000) {
  for await (const { id } of claimPendingRuns(store.db, { owner, leaseSec: 3_600, slotsPerProject: 2 })) {
    claimed.push(id);
    lastAt = performance.now();
  }
  // Nothing for us now is not nothing at all: another claimer may have been at the same runs and be turned away by a limit.
  if ((await countLeased()) >= claimable) break;
}
console.log(JSON.stringify(claimed));
process.stdin.destroy();
