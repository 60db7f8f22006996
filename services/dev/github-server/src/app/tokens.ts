import { createHash, randomBytes } from 'node:crypto';
import type { TokenRecord, UserRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function saveToken(store: Store, user: UserRecord, token: string, scopes: readonly string[]): TokenRecord {
  const hash = sha256(token);
  return store.tokens.find('', hash) ?? store.tokens.insert({ parent: '', name: hash }, { userId: user.id, hash, scopes });
}

/** A new OAuth token in GitHub's form. */
export function issueToken(store: Store, user: UserRecord, scopes: readonly string[]): string {
  const token = `gho_${randomBytes(27).toString('base64url').replaceAll(/[-_]/g, '0')}`;
  saveToken(store, user, token, scopes);
  return token;
}

export interface Caller {
  readonly user: UserRecord;
  readonly token: TokenRecord;
}

export function callerOf(store: Store, token: string): Caller | undefined {
  const record = store.tokens.find('', sha256(token));
  const user = record && store.users.get(record.userId);
  return record && user ? { user, token: record } : undefined;
}

/** The token of an Authorization header: `Bearer T`, `token T`, or Basic with it as the password. */
export function tokenOfHeader(header: string | undefined): string | undefined {
  const [scheme = '', value = ''] = (header ?? '').split(' ', 2);
  if (/^(bearer|token)$/i.test(scheme)) return value || undefined;
  if (!/^basic$/i.test(scheme)) return undefined;
  const [name = '', ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
  return password.join(':') || name || undefined;
}
