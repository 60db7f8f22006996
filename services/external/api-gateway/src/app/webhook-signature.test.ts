import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { isSignedBy } from './webhook-signature.ts';

const secret = 'it is a secret to everybody';
const body = Buffer.from('{"zen":"Ship it."}');
const header = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

test('the signature of exactly this body under this secret is accepted', () => {
  expect(isSignedBy(secret, { body, header })).toBe(true);
});

test.each([
  ['no signature', undefined],
  ['an empty one', ''],
  ['another algorithm', header.replace('sha256=', 'sha1=')],
  ['a shortened one', header.slice(0, -1)],
  ['upper case', header.toUpperCase()],
])('%s is refused', (_, given) => {
  expect(isSignedBy(secret, { body, header: given })).toBe(false);
});

test('another body or secret is refused', () => {
  expect(isSignedBy(secret, { body: Buffer.concat([body, Buffer.from(' ')]), header })).toBe(false);
  expect(isSignedBy(`${secret}!`, { body, header })).toBe(false);
});
