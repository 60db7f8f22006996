import type { ActorRef } from '@codex-k8s/domain';
import type { Repository, Tx } from '@codex-k8s/store';
import type { Context } from './context.ts';
import type { WebhookPayload } from './webhook-payload.ts';

/** What a rule decided about an event of a bound repository. */
export interface RuleOutcome {
  readonly result: 'accepted' | 'ignored';
  readonly reason?: string;
  readonly runId?: string;
  /** People hear of it on the issue (the worker answers). */
  readonly needsAnswer?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface EventInput {
  readonly deliveryId: string;
  readonly payload: WebhookPayload;
  readonly repository: Repository;
  readonly sender: ActorRef;
}

/** Reads one kind of event, inside the transaction and under the lock of its issue. */
export type EventRule = (context: Context, tx: Tx, input: EventInput) => Promise<RuleOutcome>;
