/**
 * Requests for a person's decision: an exact action, named by the digest of its canonical JSON, that expires and is used once (design,
 * promise 3). The database decides who was first: `decide` changes a row in state `requested` only.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type ActorRef, type JsonValue } from '@codex-k8s/domain';
import { sql, type Selectable } from 'kysely';
import { recordEvent } from './flow-events.ts';
import { asJson } from './json.ts';
import { openLabelGrants } from './sql-parts.ts';
import type { Db, Tx } from './store.ts';
import type { CoreActionRequests } from './tables.gen.ts';

export type ApprovalState = 'requested' | 'approved' | 'denied' | 'expired' | 'failed' | 'applied';
export type ActionTarget = Readonly<Record<string, JsonValue | undefined>>;
export type ActionRequest = Omit<Selectable<CoreActionRequests>, 'state' | 'target' | 'options'> & {
  readonly state: ApprovalState;
  readonly target: ActionTarget;
  readonly options: readonly string[] | null;
};

export interface NewActionRequest {
  readonly correlationId: string;
  readonly runId: string | undefined;
  readonly projectId: string;
  readonly repositoryId: string | undefined;
  readonly issueNumber?: number | undefined;
  readonly prNumber?: number | undefined;
  readonly toolName: string;
  readonly action: string;
  readonly target: ActionTarget;
  readonly question?: string;
  readonly options?: readonly string[];
  readonly allowCustom?: boolean;
  readonly requestedBy: ActorRef;
  readonly expiresInSec: number;
}

/** Names the exact action: SHA-256, hex, of the canonical JSON of tool, action and target. */
export function actionDigest({ toolName, action, target }: Pick<NewActionRequest, 'toolName' | 'action' | 'target'>): string {
  return createHash('sha256')
    .update(canonicalJson({ tool: toolName, action, target }))
    .digest('hex');
}

/** Creates the request, or returns the one that asks for the same action of the same run (a repeated tool call is no second request). */
export async function requestAction(tx: Tx, request: NewActionRequest): Promise<{ request: ActionRequest; isNew: boolean }> {
  const digest = actionDigest(request);
  const row = await tx
    .insertInto('core.actionRequests')
    .values({
      correlationId: request.correlationId,
      runId: request.runId ?? null,
      projectId: request.projectId,
      repositoryId: request.repositoryId ?? null,
      issueNumber: request.issueNumber ?? null,
      prNumber: request.prNumber ?? null,
      toolName: request.toolName,
      action: request.action,
      target: asJson(request.target),
      digest,
      question: request.question ?? null,
      options: request.options ? asJson(request.options) : null,
      allowCustom: request.allowCustom ?? false,
      requestedBy: `${request.requestedBy.type}:${request.requestedBy.id}`,
      expiresAt: sql<Date>`now() + make_interval(secs => ${request.expiresInSec})`,
    })
    .onConflict((conflict) => conflict.columns(['runId', 'digest']).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row) {
    await recordApproval(tx, row as ActionRequest, 'approval.requested', request.requestedBy); // check constraints hold the words
    return { request: row as ActionRequest, isNew: true };
  }
  const known = await tx
    .selectFrom('core.actionRequests')
    .selectAll()
    .where('runId', '=', request.runId ?? '')
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow();
  return { request: known as ActionRequest, isNew: false }; // check constraints hold the words
}

export interface Decision {
  readonly id: number;
  readonly state: 'approved' | 'denied' | 'expired' | 'failed' | 'applied';
  readonly actor: ActorRef;
  readonly reason?: string | undefined;
  readonly answer?: string | undefined;
}

/** The one winner gets the decided request; undefined: it was decided before. */
export async function decideAction(tx: Db | Tx, { id, state, actor, reason, answer }: Decision): Promise<ActionRequest | undefined> {
  const row = await tx
    .updateTable('core.actionRequests')
    .set({
      state,
      reason: reason ?? null,
      answer: answer ?? null,
      decidedBy: `${actor.type}:${actor.id}`,
      ...(state === 'applied' && { appliedBy: `${actor.type}:${actor.id}` }),
      decidedAt: sql<Date>`now()`,
      updatedAt: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .where('state', '=', 'requested')
    .$if(state !== 'expired' && state !== 'failed', (query) => query.where('expiresAt', '>', sql<Date>`now()`))
    .returningAll()
    .executeTakeFirst();
  if (!row) return undefined;
  const request = row as ActionRequest; // check constraints hold the words
  await recordApproval(tx, request, `approval.${state}`, actor);
  return request;
}

async function recordApproval(
  db: Db | Tx,
  request: ActionRequest,
  type: 'approval.requested' | `approval.${Decision['state']}`,
  actor: ActorRef,
): Promise<void> {
  await recordEvent(db, {
    type,
    correlationId: request.correlationId,
    runId: request.runId ?? undefined,
    projectId: request.projectId,
    actor,
    payload: {
      request_id: request.id,
      tool_name: request.toolName,
      action: request.action,
      digest: request.digest,
      target: request.target,
      approval_mode: request.approvalMode,
      approval_state: request.state,
      requested_by: request.requestedBy,
      applied_by: request.appliedBy,
      reason: request.reason,
    },
  });
}

export async function getActionRequest(db: Db | Tx, id: number): Promise<ActionRequest | undefined> {
  const row = await db.selectFrom('core.actionRequests').selectAll().where('id', '=', id).executeTakeFirst();
  return row as ActionRequest | undefined; // check constraints hold the words
}

/** The open request of a kind for a run, such as its owner review. */
export async function findOpenRequest(
  db: Db | Tx,
  { runId, toolName }: { runId: string; toolName: string },
): Promise<ActionRequest | undefined> {
  const row = await db
    .selectFrom('core.actionRequests')
    .selectAll()
    .where('runId', '=', runId)
    .where('toolName', '=', toolName)
    .where('state', '=', 'requested')
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return row as ActionRequest | undefined; // check constraints hold the words
}

export async function countOpenRequests(db: Db | Tx, runId: string): Promise<number> {
  const { count } = await db
    .selectFrom('core.actionRequests')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('runId', '=', runId)
    .where('state', '=', 'requested')
    .executeTakeFirstOrThrow();
  return count;
}

/** Requests whose time is over and nobody decided. */
export async function listExpiredRequests(db: Db, limit: number): Promise<ActionRequest[]> {
  const rows = await db
    .selectFrom('core.actionRequests')
    .selectAll()
    .where('state', '=', 'requested')
    .where('expiresAt', '<', sql<Date>`now()`)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows as ActionRequest[]; // check constraints hold the words
}

/** Requests of runs that are over: nobody waits for a decision any more. */
export async function listOrphanedRequests(db: Db, limit: number): Promise<ActionRequest[]> {
  const rows = await db
    .selectFrom('core.actionRequests as q')
    .innerJoin('core.agentRuns as r', 'r.id', 'q.runId')
    .selectAll('q')
    .where('q.state', '=', 'requested')
    .where('r.finishedAt', 'is not', null)
    .orderBy('q.id')
    .limit(limit)
    .execute();
  return rows as ActionRequest[]; // check constraints hold the words
}

export interface LabelPlace {
  readonly repositoryId: string;
  readonly issueNumber: number;
  readonly label: string;
}

/** Uses up a person's approval of a trigger label (reference §2.6): true for the one delivery that takes it. */
export async function consumeLabelGrant(tx: Tx, place: LabelPlace): Promise<ActionRequest | undefined> {
  const { rows } = await sql<ActionRequest>`
    update core.action_requests set consumed_at = now(), updated_at = now()
    where id = (${openLabelGrants(place)} order by id limit 1 for update) and consumed_at is null
    returning *`.execute(tx);
  return rows[0];
}
