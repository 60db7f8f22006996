import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Is `header` (`sha256=<hex>`) the HMAC-SHA256 of the raw body? Constant time, whatever the header looks like. */
export function isSignedBy(secret: string, { body, header }: { body: Buffer; header: string | undefined }): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(header ?? '');
  return timingSafeEqual(createHash('sha256').update(expected).digest(), createHash('sha256').update(given).digest());
}
