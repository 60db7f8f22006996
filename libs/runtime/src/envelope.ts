import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '@codex-k8s/domain';

/**
 * Tokens at rest (FR-021, NFR-001): AES-256-GCM envelopes. Each value has its own random data key, wrapped by a key-encryption key that is
 * named in the envelope, so keys can be rotated value by value. The row's identity is authenticated with it: a ciphertext copied into
 * another row does not open. A Vault or KMS provider replaces `KeyProvider` without touching a caller.
 *
 * Layout: version(1) | kid length(1) | kid | wrap nonce(12) | wrapped key(32) | wrap tag(16) | nonce(12) | tag(16) | ciphertext
 */
export interface KeyProvider {
  readonly currentKeyId: string;
  /** 32 bytes; undefined when the key is not (any more) known. */
  key(keyId: string): Buffer | undefined;
}

/** Keys from configuration: 64 hex digits each; the first is current, the others only open old values. */
export function staticKeys(hexKeys: readonly string[]): KeyProvider {
  const keys = new Map(hexKeys.map((hex) => [keyIdOf(hex), Buffer.from(hex, 'hex')]));
  const [currentKeyId] = keys.keys();
  if (currentKeyId === undefined) throw new AppError('config.invalid', 'CODEXK8S_TOKEN_ENCRYPTION_KEY is required.');
  return { currentKeyId, key: (keyId) => keys.get(keyId) };
}

function keyIdOf(hex: string): string {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new AppError('config.invalid', 'A token encryption key must be 64 hex digits.');
  return createCipheriv('aes-256-ecb', Buffer.from(hex, 'hex'), null).update(Buffer.alloc(16)).toString('hex').slice(0, 8); // key check value
}

const version = 1;
const sizes = { nonce: 12, tag: 16, key: 32 } as const;

interface Sealed {
  readonly nonce: Buffer;
  readonly tag: Buffer;
  readonly text: Buffer;
}

function seal(key: Buffer, plain: Buffer, aad: string): Sealed {
  const nonce = randomBytes(sizes.nonce);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce, tag: cipher.getAuthTag(), text };
}

function open(key: Buffer, { nonce, tag, text }: Sealed, aad: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad)).setAuthTag(tag);
  return Buffer.concat([decipher.update(text), decipher.final()]);
}

/** `context` names the row and column, such as `repositories/<id>/token`. */
export function encryptSecret(keys: KeyProvider, { value, context }: { value: string; context: string }): Buffer {
  const kek = keys.key(keys.currentKeyId);
  if (!kek) throw new AppError('secret.undecryptable', 'The current token encryption key is not available.');
  const dataKey = randomBytes(sizes.key);
  const wrapped = seal(kek, dataKey, context);
  const body = seal(dataKey, Buffer.from(value), context);
  const keyId = Buffer.from(keys.currentKeyId);
  return Buffer.concat([
    Buffer.from([version, keyId.length]),
    keyId,
    wrapped.nonce,
    wrapped.text,
    wrapped.tag,
    body.nonce,
    body.tag,
    body.text,
  ]);
}

/** `secret.undecryptable`: unknown key, another row's value, or damage. */
export function decryptSecret(keys: KeyProvider, { value, context }: { value: Buffer; context: string }): string {
  const keyId = keyIdOfSecret(value);
  const kek = keys.key(keyId);
  if (value[0] !== version || !kek) throw new AppError('secret.undecryptable', `The key ${keyId} of a stored token is not available.`);
  let at = 2 + keyId.length;
  const take = (length: number): Buffer => value.subarray(at, (at += length));
  try {
    const wrapped = { nonce: take(sizes.nonce), text: take(sizes.key), tag: take(sizes.tag) };
    const dataKey = open(kek, wrapped, context);
    const body = { nonce: take(sizes.nonce), tag: take(sizes.tag), text: value.subarray(at) };
    return open(dataKey, body, context).toString('utf8');
  } catch (error) {
    throw new AppError('secret.undecryptable', 'A stored token does not open: it was damaged or belongs to another row.', { cause: error });
  }
}

/** The key a stored value was encrypted with: tells which rows a rotation has still to rewrite. */
export function keyIdOfSecret(value: Buffer): string {
  return value.subarray(2, 2 + (value[1] ?? 0)).toString('utf8');
}
