import { createHash } from 'node:crypto';
import { AppError } from '@codex-k8s/domain';
import type { FastifyInstance } from 'fastify';
import type { ControlPlaneClient } from '../app/control-plane.ts';
import { isSignedBy } from '../app/webhook-signature.ts';

export interface WebhookOptions {
  readonly controlPlane: ControlPlaneClient;
  readonly secret: string;
  /** Bytes. */
  readonly bodyLimit: number;
  readonly perMinute: number;
  readonly onDone: (delivery: { event: string; result: string; seconds: number }) => void;
}

const knownEvents = /^[a-z_]{1,64}$/;

/** GitHub's deliveries: the signature is checked over the raw bytes, before anything reads them; then the control plane decides. */
export async function mountWebhook(
  app: FastifyInstance,
  { controlPlane, secret, bodyLimit, perMinute, onDone }: WebhookOptions,
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
    scope.post(
      '/api/v1/webhooks/github',
      { bodyLimit, config: { operationId: 'receiveGithubWebhook', rateLimit: { max: perMinute, timeWindow: 60_000 } } },
      async (request, reply) => {
        const startedAt = performance.now();
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const { 'x-github-event': event, 'x-github-delivery': deliveryId, 'x-hub-signature-256': signature } = request.headers;
        const finish = (result: string): void =>
          onDone({
            event: knownEvents.test(String(event)) ? String(event) : 'other',
            result,
            seconds: (performance.now() - startedAt) / 1000,
          });
        if (!isSignedBy(secret, { body, header: typeof signature === 'string' ? signature : undefined })) {
          finish('signature_invalid');
          throw new AppError('webhook.signature_invalid', 'The webhook signature is missing or wrong.');
        }
        if (typeof event !== 'string' || !knownEvents.test(event)) {
          finish('malformed');
          throw new AppError('request.invalid', 'X-GitHub-Event is missing or malformed.', { field: 'header.x-github-event' });
        }
        if (typeof deliveryId !== 'string' || !/^[\w-]{1,128}$/.test(deliveryId)) {
          finish('malformed');
          throw new AppError('request.invalid', 'X-GitHub-Delivery is missing or malformed.', { field: 'header.x-github-delivery' });
        }
        const bodySha256 = createHash('sha256').update(body).digest('hex');
        const answer = await controlPlane.ingestEvent({ event, deliveryId, bodySha256, body }).catch((error: unknown) => {
          finish('unavailable');
          throw error;
        });
        finish(answer.status < 300 ? 'accepted' : 'refused');
        return reply.code(answer.status).send(answer.body);
      },
    );
  });
}
