import sodium from 'libsodium-wrappers';
import type { SealingKeyRecord, SecretRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';

/**
 * Actions secrets as GitHub takes them: sealed boxes for a key pair of the repository or environment. They are stored sealed and are
 * opened only for tests, by function call.
 */
export async function sealingKey(store: Store, scope: string): Promise<SealingKeyRecord> {
  await sodium.ready;
  const known = store.sealingKeys.find('', scope);
  if (known) return known;
  const { publicKey, privateKey } = sodium.crypto_box_keypair();
  return store.sealingKeys.insert({ parent: '', name: scope }, { publicKey: base64(publicKey), privateKey: base64(privateKey) });
}

/** The text of a sealed box; undefined when it was not made for this key. */
export async function openSecret(store: Store, scope: string, { sealed }: Pick<SecretRecord, 'sealed'>): Promise<string | undefined> {
  const key = await sealingKey(store, scope);
  try {
    return sodium.to_string(sodium.crypto_box_seal_open(bytes(sealed), bytes(key.publicKey), bytes(key.privateKey)));
  } catch {
    return undefined; // libsodium throws for a box that does not fit; that is the question asked
  }
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64');
}

function bytes(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, 'base64'));
}
