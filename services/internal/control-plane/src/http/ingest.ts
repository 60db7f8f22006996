import type { RouteHandlers } from '@codex-k8s/contracts/internal/handlers';
import type { Delivery, DeliveryAnswer } from '@codex-k8s/contracts/internal';
import { AppError } from '@codex-k8s/domain';
import { failureAnswer, splitBytes } from '@codex-k8s/http';
import { startSpan } from '@codex-k8s/runtime';
import type { Context } from '../app/context.ts';
import { createIngest } from '../app/ingest-events.ts';

export interface IngestOptions {
  /** Turns errors of another library into ours, such as a lost database. */
  readonly translate: (error: unknown) => unknown;
  /** Hears of each delivery, for metrics. */
  readonly onDelivery: (delivery: { status: number; seconds: number }) => void;
}

/** A request of several deliveries, each with the answer, span, log lines and measured time that it would have alone. */
export function ingestHandler(context: Context, { translate, onDelivery }: IngestOptions): RouteHandlers['ingestEvents'] {
  const ingest = createIngest(context);

  async function decide(delivery: Delivery, bytes: Buffer): Promise<DeliveryAnswer> {
    const { delivery_id: deliveryId, event: eventType, body_sha256: bodySha256 } = delivery;
    const answer = await ingest({ deliveryId, eventType, bodySha256, body: readBody(bytes) });
    return { status: answer.status === 'duplicate' ? 200 : 202, body: answer };
  }

  async function answerOne(delivery: Delivery, bytes: Buffer): Promise<DeliveryAnswer> {
    const startedAt = performance.now();
    const { delivery_id: correlationId, traceparent, event } = delivery;
    const span = startSpan('ingest delivery', {
      kind: 'server',
      correlationId,
      begins: 'trace',
      traceparent,
      attributes: { 'codexk8s.event': event },
    });
    const answer = await span.enter(() =>
      decide(delivery, bytes).catch((thrown: unknown) => {
        const log = context.log.child({ correlationId });
        return failureAnswer(thrown, { log, correlationId, translate });
      }),
    );
    if (answer.status >= 500) span.fail(String(answer.status));
    span.end();
    onDelivery({ status: answer.status, seconds: (performance.now() - startedAt) / 1000 });
    return answer;
  }

  return async ({ body: { deliveries }, attachedBytes }, reply) => {
    const bodies = splitBytes(
      attachedBytes,
      deliveries.map(({ size }) => size),
    );
    const answers = await Promise.all(bodies.map((bytes, n) => answerOne(deliveries[n] as Delivery, bytes))); // as many as sizes
    return reply.code(200).send({ answers });
  };
}

function readBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new AppError('request.malformed', 'The body is not valid JSON.', { cause });
  }
}
