import type { ActorRef, FlowEventType } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { asJson } from './json.ts';
import type { Repository } from './repositories.ts';
import { repositoryByExternalId } from './sql-parts.ts';
import type { Db, Tx } from './store.ts';
import type { CoreWebhookDeliveries } from './tables.gen.ts';

export type Delivery = Selectable<CoreWebhookDeliveries>;
export type KnownDelivery = Pick<Delivery, 'deliveryId' | 'eventType' | 'runId'>;

/** Serialises all decisions on one issue of one repository (NFR-018); held until the transaction ends. */
export async function lockIssue(
  tx: Tx,
  { repository, issueNumber }: { repository: string; issueNumber: number | undefined },
): Promise<void> {
  await sql`/* prepared */ select pg_advisory_xact_lock(hashtextextended(${`issue:${repository.toLowerCase()}#${issueNumber ?? ''}`}, 0))`.execute(
    tx,
  );
}

/**
 * What is on record when a delivery comes: a delivery of the same id, or of the same event and body within the window, and the repository that it
 * is about.
 */
export async function lookUpDelivery(
  tx: Tx,
  { deliveryId, eventType, bodySha256, windowSec, repositoryId }: DeliveryQuestion,
): Promise<{ known: KnownDelivery | undefined; repository: Repository | undefined }> {
  const { rows } = await sql<Repository & { knownId: string | null; knownType: string; knownRunId: string | null }>`/* prepared */
    select k.delivery_id as known_id, k.event_type as known_type, k.run_id as known_run_id, r.*
    from (select) one
      left join (
        select delivery_id, event_type, run_id from core.webhook_deliveries
        where delivery_id = ${deliveryId}
          or (body_sha256 = ${bodySha256} and event_type = ${eventType} and received_at > now() - make_interval(secs => ${windowSec}))
        limit 1
      ) k on true
      left join (${repositoryByExternalId(repositoryId)}) r on true`.execute(tx);
  const [row] = rows;
  if (!row) return { known: undefined, repository: undefined };
  const { knownId, knownType, knownRunId, ...repository } = row;
  return {
    known: knownId === null ? undefined : { deliveryId: knownId, eventType: knownType, runId: knownRunId },
    repository: (repository.id as string | null) === null ? undefined : repository, // joined, so null when it is not there
  };
}

export interface DeliveryQuestion {
  readonly deliveryId: string;
  readonly eventType: string;
  readonly bodySha256: string;
  readonly windowSec: number;
  /** The code host's number for it, where the event names a repository. */
  readonly repositoryId: number | undefined;
}

export type NewDelivery = Pick<
  Delivery,
  | 'deliveryId'
  | 'bodySha256'
  | 'eventType'
  | 'action'
  | 'repositoryFullName'
  | 'reason'
  | 'runId'
  | 'repositoryId'
  | 'issueNumber'
  | 'needsAnswer'
> & { readonly result: 'accepted' | 'ignored'; readonly details: Readonly<Record<string, unknown>> };

/** A delivery and the event that says what was decided. False: another transaction recorded this id first. */
export async function recordDelivery(tx: Tx, delivery: NewDelivery, { projectId, actor, payload }: DecisionEvent): Promise<boolean> {
  const { deliveryId, bodySha256, eventType, action, repositoryFullName, result, reason, runId, repositoryId, issueNumber } = delivery;
  const type: FlowEventType = result === 'accepted' ? 'webhook.received' : 'webhook.ignored';
  const { numAffectedRows } = await sql`/* prepared */
    with recorded as (
      insert into core.webhook_deliveries (delivery_id, body_sha256, event_type, action, repository_full_name, result, reason, run_id,
        repository_id, issue_number, needs_answer, details)
      values (${deliveryId}, ${bodySha256}, ${eventType}, ${action}, ${repositoryFullName}, ${result}, ${reason}, ${runId},
        ${repositoryId}, ${issueNumber}, ${delivery.needsAnswer}, ${asJson(delivery.details)})
      on conflict (delivery_id) do nothing
      returning delivery_id, run_id
    )
    insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, payload)
    select delivery_id, run_id, ${projectId ?? null}::uuid, ${actor.type}, ${actor.id}, ${type}, ${asJson(payload)} from recorded`.execute(
    tx,
  );
  return (numAffectedRows ?? 0n) > 0n;
}

export interface DecisionEvent {
  readonly projectId: string | undefined;
  readonly actor: ActorRef;
  readonly payload: Readonly<Record<string, unknown>>;
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
