import type { Delivery, DeliveryAnswer, IngestEventsResponse } from '@codex-k8s/contracts/internal';
import { attachBytes, attachedBytesType } from '@codex-k8s/http';
import { inBatches, traceHeaders } from '@codex-k8s/runtime';
import { createPostBytes } from './post-bytes.ts';
import { reach, translate } from './reach.ts';

export interface ForwardedDelivery {
  readonly event: string;
  readonly deliveryId: string;
  readonly bodySha256: string;
  /** As it came. */
  readonly body: Buffer;
}

interface Addressed {
  readonly delivery: Delivery;
  readonly body: Buffer;
}

/** Hands deliveries to the control plane: what comes while earlier requests are under way goes as one, each gets the answer to itself. */
export function createForwarding({ url, token }: { url: string; token: string }): (delivery: ForwardedDelivery) => Promise<DeliveryAnswer> {
  const postBytes = createPostBytes(url, { timeoutMs: 9_000 }); // GitHub gives up after 10 s
  const headers = { authorization: `Bearer ${token}`, 'content-type': attachedBytesType };

  async function forward(batch: readonly Addressed[]): Promise<PromiseSettledResult<DeliveryAnswer>[]> {
    const { status, answer } = await reach(async () => {
      const body = attachBytes(
        { deliveries: batch.map(({ delivery }) => delivery) },
        batch.map((one) => one.body),
      );
      const posted = await postBytes({ path: '/internal/v1/events/github', headers, body });
      return { status: posted.status, answer: JSON.parse(posted.body) as unknown };
    });
    if (status !== 200) throw translate(answer);
    return (answer as IngestEventsResponse).answers.map((value) => ({ status: 'fulfilled', value })); // the contract's, by its status
  }

  const send = inBatches<Addressed, DeliveryAnswer>({
    patienceMs: 20,
    atOnce: 4,
    maxItems: 64, // of the contract
    maxSize: 4 * 1024 * 1024,
    sizeOf: ({ body }) => body.length,
    run: forward,
  });
  return ({ event, deliveryId, bodySha256, body }) =>
    send({ delivery: { event, delivery_id: deliveryId, body_sha256: bodySha256, size: body.length, ...traceHeaders() }, body });
}
