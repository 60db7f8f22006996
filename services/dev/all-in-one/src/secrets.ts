import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Keys of one trial installation: made at the first start, kept in its data folder, readable by its owner only. */
export interface TrialSecrets {
  readonly encryptionKey: string;
  readonly jwtKey: string;
  readonly runTokenKey: string;
  readonly internalToken: string;
  readonly webhookSecret: string;
  readonly oauthSecret: string;
  readonly botToken: string;
  readonly ownerToken: string;
}

export function loadSecrets(dataDir: string): TrialSecrets {
  const path = join(dataDir, 'secrets.json');
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as TrialSecrets; // written below only
  const hex = (): string => randomBytes(32).toString('hex');
  const secrets: TrialSecrets = {
    encryptionKey: hex(),
    jwtKey: hex(),
    runTokenKey: hex(),
    internalToken: hex(),
    webhookSecret: hex(),
    oauthSecret: hex(),
    botToken: `trial_bot_${hex()}`,
    ownerToken: `trial_owner_${hex()}`,
  };
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(path, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return secrets;
}
