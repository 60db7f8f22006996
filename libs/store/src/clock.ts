/**
 * Of all the clocks only the database's decides: services, clusters and code hosts each have one of their own, and any of them may be wrong. What
 * is compared with a time on record is asked for here, or compared in the statement itself.
 */
import { sql } from 'kysely';
import type { Db, Tx } from './store.ts';

export async function databaseNow(db: Db | Tx): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('the database says no time');
  return row.now;
}
