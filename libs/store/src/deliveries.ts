import { sql, type Insertable, type Selectable } from 'kysely';
import type { Db, Tx } from './store.ts';
import type { CoreWebhookDeliveries } from './tables.gen.ts';

export type Delivery = Selectable<CoreWebhookDeliveries>;

/** Serialises all decisions on one issue of one repository (NFR-018); held until the transaction ends. */
export async function lockIssue(
  tx: Tx,
  { repository, issueNumber }: { repository: string; issueNumber: number | undefined },
): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`issue:${repository.toLowerCase()}#${issueNumber ?? ''}`}, 0))`.execute(tx);
}

/** The delivery that was recorded before: the same id, or the same event with the same body within the window. */
export async function findDelivery(
  tx: Tx,
  { deliveryId, eventType, bodySha256, windowSec }: { deliveryId: string; eventType: string; bodySha256: string; windowSec: number },
): Promise<Delivery | undefined> {
  return tx
    .selectFrom('core.webhookDeliveries')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('deliveryId', '=', deliveryId),
        eb.and([
          eb('bodySha256', '=', bodySha256),
          eb('eventType', '=', eventType),
          eb('receivedAt', '>', sql<Date>`now() - make_interval(secs => ${windowSec})`),
        ]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
}

/** False: another transaction recorded this id first. */
export async function recordDelivery(tx: Tx, delivery: Insertable<CoreWebhookDeliveries>): Promise<boolean> {
  const result = await tx
    .insertInto('core.webhookDeliveries')
    .values(delivery)
    .onConflict((conflict) => conflict.column('deliveryId').doNothing())
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Which of the ids are on record. */
export async function knownDeliveries(db: Db, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('core.webhookDeliveries')
    .select('deliveryId')
    .where('deliveryId', 'in', [...ids])
    .execute();
  return new Set(rows.map(({ deliveryId }) => deliveryId));
}

/** Refusals that people have not yet been told of, oldest first; listing claims them for `claimSec`, as with runs to publish. */
export async function claimUnansweredDeliveries(db: Db, { limit, claimSec }: { limit: number; claimSec: number }): Promise<Delivery[]> {
  const { rows } = await sql<Delivery>`
    update core.webhook_deliveries set answer_retry_at = now() + make_interval(secs => ${claimSec})
    where delivery_id in (select delivery_id from core.webhook_deliveries
                          where needs_answer and (answer_retry_at is null or answer_retry_at <= now())
                          order by received_at limit ${limit} for update skip locked)
    returning *`.execute(db);
  return rows;
}

/** Done, or to be tried again in `retryInSec`. */
export async function markDeliveryAnswered(db: Db, { deliveryId, retryInSec }: { deliveryId: string; retryInSec?: number }): Promise<void> {
  await db
    .updateTable('core.webhookDeliveries')
    .set(retryInSec === undefined ? { needsAnswer: false } : { answerRetryAt: sql<Date>`now() + make_interval(secs => ${retryInSec})` })
    .where('deliveryId', '=', deliveryId)
    .execute();
}

/** Forgets deliveries older than `days`. Returns how many. */
export async function pruneDeliveries(db: Db, { days }: { days: number }): Promise<number> {
  const result = await db
    .deleteFrom('core.webhookDeliveries')
    .where('receivedAt', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .where('needsAnswer', '=', false)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
