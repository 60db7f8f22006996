import type { ActorRef, FlowEventType } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { asJson } from './json.ts';
import { rowsOf } from './sql-parts.ts';
import type { Db, Tx } from './store.ts';
import type { AuditFlowEvents } from './tables.gen.ts';

export type FlowEvent = Selectable<AuditFlowEvents>;

export interface NewFlowEvent {
  readonly type: FlowEventType;
  readonly correlationId: string;
  readonly actor: ActorRef;
  readonly runId?: string | undefined;
  readonly projectId?: string | undefined;
  /** Makes the call repeatable: one event per run and key. */
  readonly key?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Puts an event on record (NFR-010). False: the same key was recorded before. */
export async function recordEvent(
  db: Db | Tx,
  { type, correlationId, actor, runId, projectId, key, payload = {} }: NewFlowEvent,
): Promise<boolean> {
  const { numAffectedRows } = await sql`/* prepared */
    insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, event_key, payload)
    values (${correlationId}, ${runId ?? null}, ${projectId ?? null}, ${actor.type}, ${actor.id}, ${type}, ${key ?? null}, ${asJson(payload)})
    on conflict (run_id, event_key) where event_key is not null do nothing`.execute(db);
  return (numAffectedRows ?? 0n) > 0n;
}

export type NewEventOfRun = Required<Pick<NewFlowEvent, 'type' | 'actor' | 'key' | 'payload' | 'runId'>>;

/** As `recordEvent` for runs of which only the id is known; an event that was recorded before or whose run is not there is left out. Returns how many were new. */
export async function recordEventsOfRuns(db: Db, events: readonly NewEventOfRun[]): Promise<number> {
  const rows = events.map(({ actor, ...event }) => ({ ...event, actorType: actor.type, actorId: actor.id }));
  const { numAffectedRows } = await sql`/* prepared */
    insert into audit.flow_events (correlation_id, run_id, project_id, actor_type, actor_id, event_type, event_key, payload)
    select r.correlation_id, r.id, r.project_id, q."actorType", q."actorId", q.type, q.key, q.payload
    from ${rowsOf(rows, '"runId" uuid, type text, "actorType" text, "actorId" text, key text, payload jsonb')}
      cross join lateral (select id, correlation_id, project_id from core.agent_runs where id = q."runId" limit 1) r
    on conflict (run_id, event_key) where event_key is not null do nothing`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/** The first event of a type of a run: what was on record before anything could follow it. */
interface EventOfRun {
  readonly runId: string;
  readonly type: FlowEventType;
}

export function findFirstEvent(db: Db | Tx, event: EventOfRun): Promise<FlowEvent | undefined> {
  return findEvent(db, event, 'asc');
}

export function findLastEvent(db: Db | Tx, event: EventOfRun): Promise<FlowEvent | undefined> {
  return findEvent(db, event, 'desc');
}

async function findEvent(db: Db | Tx, { runId, type }: EventOfRun, order: 'asc' | 'desc'): Promise<FlowEvent | undefined> {
  return db
    .selectFrom('audit.flowEvents')
    .selectAll()
    .where('runId', '=', runId)
    .where('eventType', '=', type)
    .orderBy('id', order)
    .limit(1)
    .executeTakeFirst();
}

/** Events of a run, oldest first, with ids greater than `after`. */
export async function listRunEvents(
  db: Db,
  { runId, after, limit }: { runId: string; after: number; limit: number },
): Promise<FlowEvent[]> {
  return db
    .selectFrom('audit.flowEvents')
    .selectAll()
    .where('runId', '=', runId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
}
