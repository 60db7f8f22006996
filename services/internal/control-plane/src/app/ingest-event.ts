/**
 * A verified delivery becomes one row, at most one run, and its events, in one transaction under the lock of its issue (reference §2.7,
 * NFR-018). GitHub may send a delivery again under the same id, and its redelivery API under the same id too; a proxy may replay a body
 * under another one. Both are answered with what was decided the first time.
 */
import { AppError } from '@codex-k8s/domain';
import { lockIssue, lookUpDelivery, recordDelivery, recordEvent, type IssuePlace, type Repository, type Tx } from '@codex-k8s/store';
import { system, type Context } from './context.ts';
import type { RuleOutcome } from './event-rule.ts';
import { eventRules } from './event-rules.ts';
import { WebhookPayload } from './webhook-payload.ts';

export interface IngestInput {
  readonly deliveryId: string;
  readonly eventType: string;
  /** Hex SHA-256 of the raw body. */
  readonly bodySha256: string;
  readonly body: unknown;
}

export interface IngestAnswer {
  readonly status: 'accepted' | 'duplicate' | 'ignored';
  readonly duplicate?: boolean;
  readonly reason?: string;
  readonly run_id?: string;
}

/** A delivery whose body was read. */
export interface Arrival extends Omit<IngestInput, 'body'> {
  readonly payload: WebhookPayload;
  readonly issueNumber: number | undefined;
  /** What it is decided under the lock of. */
  readonly place: IssuePlace;
}

export function readArrival({ body, ...delivery }: IngestInput): Arrival {
  const parsed = WebhookPayload.safeParse(body);
  if (!parsed.success) {
    const [problem] = parsed.error.issues;
    throw new AppError(
      'request.malformed',
      `The payload is not a GitHub event: ${problem?.path.join('.') ?? ''} ${problem?.message ?? ''}.`,
    );
  }
  const payload = parsed.data;
  const issueNumber = payload.issue?.number ?? payload.pull_request?.number;
  // Without an issue it waits for the same body only.
  const repository = issueNumber === undefined ? undefined : payload.repository?.full_name;
  return { ...delivery, payload, issueNumber, place: { repository: repository ?? delivery.bodySha256, issueNumber } };
}

/** Decides on one delivery, in the transaction of its batch: what the deliveries of a batch ask at the same point goes to the database together. */
export async function ingestEvent(context: Context, tx: Tx, arrival: Arrival): Promise<IngestAnswer> {
  const { deliveryId, eventType, bodySha256, payload, issueNumber, place } = arrival;
  await lockIssue(tx, place);
  const { known, repository } = await lookUpDelivery(tx, {
    deliveryId,
    eventType,
    bodySha256,
    windowSec: context.config.replayWindowSec,
    repositoryId: payload.repository?.id,
  });
  if (known) return answerDuplicate(tx, { deliveryId, known });
  const outcome = await decide(context, tx, { deliveryId, eventType, payload, repository });
  const isFirst = await recordDelivery(
    tx,
    {
      deliveryId,
      bodySha256,
      eventType,
      action: payload.action ?? null,
      repositoryFullName: payload.repository?.full_name ?? null,
      result: outcome.result,
      reason: outcome.reason ?? null,
      runId: outcome.runId ?? null,
      repositoryId: outcome.repository?.id ?? null,
      issueNumber: issueNumber ?? null,
      needsAnswer: outcome.needsAnswer ?? false,
      details: outcome.details ?? {},
    },
    {
      projectId: outcome.repository?.projectId,
      actor: system,
      payload: {
        event_type: eventType,
        action: payload.action,
        repository: payload.repository?.full_name,
        sender: payload.sender?.login,
        issue_number: issueNumber,
        reason: outcome.reason,
        ...outcome.details,
      },
    },
  );
  // The id was used for another issue's event at this very moment: nothing of ours may stay.
  if (!isFirst)
    throw new AppError('request.unprocessable', 'This delivery id is in use for another event.', { field: 'x-github-delivery' });
  return {
    status: outcome.result,
    ...(outcome.reason !== undefined && { reason: outcome.reason }),
    ...(outcome.runId !== undefined && { run_id: outcome.runId }),
  };
}

async function answerDuplicate(
  tx: Tx,
  { deliveryId, known }: { deliveryId: string; known: { deliveryId: string; eventType: string; runId: string | null } },
): Promise<IngestAnswer> {
  await recordEvent(tx, {
    type: 'webhook.duplicate',
    correlationId: known.deliveryId,
    runId: known.runId ?? undefined,
    actor: system,
    payload: { delivery_id: deliveryId, event_type: known.eventType },
  });
  return { status: 'duplicate', duplicate: true, ...(known.runId !== null && { run_id: known.runId }) };
}

interface Arrived extends Pick<Arrival, 'deliveryId' | 'eventType' | 'payload'> {
  /** Undefined: not bound to a project. */
  readonly repository: Repository | undefined;
}

async function decide(
  context: Context,
  tx: Tx,
  { deliveryId, eventType, payload, repository }: Arrived,
): Promise<RuleOutcome & { repository?: Repository }> {
  const rules = eventRules[eventType];
  if (!rules) return { result: 'ignored', reason: 'unknown_event' };
  if (!payload.repository) return { result: 'ignored', reason: 'event_without_repository' };
  if (!repository) return { result: 'ignored', reason: `repository_not_bound` };
  if (!payload.sender) return { result: 'ignored', reason: 'sender_login_missing', repository };
  const rule = payload.action === undefined ? undefined : rules[payload.action];
  if (!rule) return { result: 'accepted', repository };
  const sender = { type: payload.sender.type === 'Bot' ? 'system' : 'human', id: `github:${payload.sender.login}` } as const;
  return { ...(await rule(context, tx, { deliveryId, payload, repository, sender })), repository };
}
