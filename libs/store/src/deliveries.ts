import type { ActorRef, FlowEventType } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import type { Repository } from './repositories.ts';
import type { DueRows } from './run-lookups.ts';
import { repositoryByExternalId, rowsOf } from './sql-parts.ts';
import type { Db, Tx } from './store.ts';
import type { CoreWebhookDeliveries } from './tables.gen.ts';
import { together } from './together.ts';

export type Delivery = Selectable<CoreWebhookDeliveries>;
export type KnownDelivery = Pick<Delivery, 'deliveryId' | 'eventType' | 'runId'>;

export interface IssuePlace {
  readonly repository: string;
  readonly issueNumber: number | undefined;
}

/** What the lock of an issue is on. */
export function issueLockKey({ repository, issueNumber }: IssuePlace): string {
  return `issue:${repository.toLowerCase()}#${issueNumber ?? ''}`;
}

/** Serialises all decisions on one issue of one repository (NFR-018); held until the transaction ends. */
export const lockIssue = together(async (tx: Tx, places: readonly IssuePlace[]): Promise<void[]> => {
  const keys = places.map(issueLockKey).toSorted(); // all transactions take them in one order, so that no two wait for each other
  await sql`/* prepared */ select count(pg_advisory_xact_lock(hashtextextended(key, 0))) from unnest(${keys}::text[]) key`.execute(tx);
  return places.map(() => undefined);
});

/**
 * What is on record when a delivery comes: a delivery of the same id, or of the same event and body within the window, and the repository that it
 * is about.
 */
export const lookUpDelivery = together(async (tx: Tx, questions: readonly DeliveryQuestion[]): Promise<DeliveryFacts[]> => {
  const asked = questions.map((question, n) => ({ n, ...question }));
  const { rows } = await sql<Repository & { knownId: string | null; knownType: string; knownRunId: string | null }>`/* prepared */
    select k.delivery_id as known_id, k.event_type as known_type, k.run_id as known_run_id, r.*
    from ${rowsOf(asked, 'n int, "deliveryId" text, "eventType" text, "bodySha256" text, "windowSec" float, "repositoryId" bigint')}
      left join lateral (
        select delivery_id, event_type, run_id from core.webhook_deliveries
        where delivery_id = q."deliveryId"
          or (body_sha256 = q."bodySha256" and event_type = q."eventType" and received_at > now() - make_interval(secs => q."windowSec"))
        limit 1
      ) k on true
      left join lateral (${repositoryByExternalId(sql<number>`q."repositoryId"`)} limit 1) r on true
    order by q.n`.execute(tx);
  return rows.map(({ knownId, knownType, knownRunId, ...repository }) => ({
    known: knownId === null ? undefined : { deliveryId: knownId, eventType: knownType, runId: knownRunId },
    repository: (repository.id as string | null) === null ? undefined : repository, // joined, so null when it is not there
  }));
});

export interface DeliveryFacts {
  readonly known: KnownDelivery | undefined;
  readonly repository: Repository | undefined;
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
export function recordDelivery(tx: Tx, delivery: NewDelivery, decision: DecisionEvent): Promise<boolean> {
  return recordDecided(tx, { delivery, decision });
}

const recordDecided = together(async (tx: Tx, decided: readonly { delivery: NewDelivery; decision: DecisionEvent }[]) => {
  const wanted = decided.map(({ delivery, decision: { projectId, actor, payload } }) => {
    const type: FlowEventType = delivery.result === 'accepted' ? 'webhook.received' : 'webhook.ignored';
    return { ...delivery, projectId, actorType: actor.type, actorId: actor.id, type, payload };
  });
  const { rows } = await sql<{ deliveryId: string }>`/* prepared */
    with wanted as (
      select distinct on (q."deliveryId") q.* from ${rowsOf(wanted, deliveryColumns)}
    ), recorded as (
      insert into core.webhook_deliveries (delivery_id, body_sha256, event_type, action, repository_full_name, result, reason, run_id,
        repository_id, issue_number, needs_answer, details)
      select "deliveryId", "bodySha256", "eventType", action, "repositoryFullName", result, reason, "runId",
        "repositoryId", "issueNumber", "needsAnswer", details from wanted
      on conflict (delivery_id) do nothing
      returning delivery_id, run_id
    ), told as (
      insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, payload)
      select r.delivery_id, r.run_id, w."projectId", w."actorType", w."actorId", w.type, w.payload
      from recorded r join wanted w on w."deliveryId" = r.delivery_id
    )
    select delivery_id from recorded`.execute(tx);
  const recorded = new Set(rows.map(({ deliveryId }) => deliveryId));
  return wanted.map(({ deliveryId }) => recorded.delete(deliveryId));
});

const deliveryColumns = `"deliveryId" text, "bodySha256" text, "eventType" text, action text, "repositoryFullName" text, result text, reason text,
  "runId" uuid, "repositoryId" uuid, "issueNumber" int, "needsAnswer" boolean, details jsonb, "projectId" uuid, "actorType" text, "actorId" text,
  type text, payload jsonb`;

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

/**
 * Refusals that people have not yet been told of, oldest first; listing claims them for `claimSec`, as with runs to publish. Of one issue only the first: the next
 * is looked at when that is answered, whichever worker does it.
 */
export async function claimUnansweredDeliveries(
  db: Db,
  { claimSec, limit, except }: { claimSec: number } & DueRows,
): Promise<(Delivery & { claimedAt: Date })[]> {
  const { rows } = await sql<Delivery & { claimedAt: Date }>`
    update core.webhook_deliveries set answer_retry_at = now() + make_interval(secs => ${claimSec})
    where delivery_id in (select delivery_id from core.webhook_deliveries d
                          where needs_answer and (answer_retry_at is null or answer_retry_at <= now())
                            and delivery_id <> all(${except}::text[])
                            and not exists (
                              select from core.webhook_deliveries earlier
                              where earlier.needs_answer and earlier.repository_id = d.repository_id and earlier.issue_number = d.issue_number
                                and (earlier.received_at, earlier.delivery_id) < (d.received_at, d.delivery_id))
                          order by received_at limit ${limit} for update skip locked)
    returning *, now() as claimed_at`.execute(db);
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
