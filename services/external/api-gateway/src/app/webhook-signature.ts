import { createHmac, timingSafeEqual } from 'node:crypto';

/** Is `header` (`sha256=<hex>`) the HMAC-SHA256 of the raw body? Constant time for every header of the right length. */
export function isSignedBy(secret: string, { body, header }: { body: Buffer; header: string | undefined }): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(header ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
