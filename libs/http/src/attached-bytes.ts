/**
 * A body of one line of JSON and, after it, bytes that belong to the JSON: what came as bytes travels as bytes. Base64 inside JSON cost more than
 * everything else that the gateway does with a delivery.
 */
import { AppError } from '@codex-k8s/domain';
import type { FastifyInstance } from 'fastify';

export const attachedBytesType = 'application/vnd.codexk8s.attached-bytes';

declare module 'fastify' {
  interface FastifyRequest {
    /** What follows the JSON of a body of type `attachedBytesType`; undefined with any other. */
    attachedBytes: Buffer | undefined;
  }
}

export function attachBytes(head: object, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...parts]);
}

/** What `attachBytes` made. Throws the SyntaxError of its JSON. */
export function readAttached(body: Buffer): { head: unknown; attached: Buffer } {
  const end = body.indexOf('\n');
  return { head: JSON.parse(body.toString('utf8', 0, Math.max(end, 0))), attached: body.subarray(end + 1) };
}

/** Reads such bodies: the JSON becomes `request.body`, which the contract checks like any other. */
export function acceptAttachedBytes(app: FastifyInstance): void {
  app.decorateRequest('attachedBytes', undefined);
  app.addContentTypeParser<Buffer>(attachedBytesType, { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const { head, attached } = readAttached(body);
      request.attachedBytes = attached;
      done(null, head);
    } catch (cause) {
      done(new AppError('request.malformed', 'The body does not begin with a line of JSON.', { cause }));
    }
  });
}

/** The parts of the attached bytes, of `sizes` bytes each. `request.invalid` when they do not add up to what was sent. */
export function splitBytes(attached: Buffer | undefined, sizes: readonly number[]): Buffer[] {
  const bytes = attached ?? Buffer.alloc(0);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== bytes.length) {
    throw new AppError('request.invalid', `The sizes add up to ${total} bytes, and ${bytes.length} are attached.`, { field: 'body' });
  }
  let end = 0;
  return sizes.map((size) => bytes.subarray(end, (end += size)));
}
