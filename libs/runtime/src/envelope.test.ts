import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { decryptSecret, encryptSecret, keyIdOfSecret, staticKeys } from './envelope.ts';

const [first, second] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
const context = 'repositories/1/token';

test('a value opens in its own row only', () => {
  const keys = staticKeys([first]);
  const value = encryptSecret(keys, { value: 'ghp_secret', context });

  expect(decryptSecret(keys, { value, context })).toBe('ghp_secret');
  expect(() => decryptSecret(keys, { value, context: 'repositories/2/token' })).toThrow(
    expect.objectContaining({ code: 'secret.undecryptable' }),
  );
});

test('the value does not occur in what is stored, and two envelopes of it differ', () => {
  const keys = staticKeys([first]);
  const [one, two] = [encryptSecret(keys, { value: 'ghp_secret', context }), encryptSecret(keys, { value: 'ghp_secret', context })];

  expect(one.includes('ghp_secret')).toBe(false);
  expect(one.equals(two)).toBe(false);
});

test('every flipped bit is noticed', () => {
  const keys = staticKeys([first]);
  const value = encryptSecret(keys, { value: 'x', context });

  for (let at = 0; at < value.length; at += 1) {
    const damaged = Buffer.from(value);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(() => decryptSecret(keys, { value: damaged, context })).toThrow(expect.objectContaining({ code: 'secret.undecryptable' }));
  }
});

test('after a rotation old values open and new ones carry the new key', () => {
  const old = encryptSecret(staticKeys([first]), { value: 'ghp_secret', context });
  const keys = staticKeys([second, first]);

  expect(decryptSecret(keys, { value: old, context })).toBe('ghp_secret');
  expect(keyIdOfSecret(old)).not.toBe(keys.currentKeyId);
  expect(keyIdOfSecret(encryptSecret(keys, { value: 'x', context }))).toBe(keys.currentKeyId);
  expect(() => decryptSecret(staticKeys([second]), { value: old, context })).toThrow(
    expect.objectContaining({ code: 'secret.undecryptable' }),
  );
});
