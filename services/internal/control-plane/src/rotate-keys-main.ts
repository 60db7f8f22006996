/**
 * Re-encrypts stored repository tokens with the current key, so that an old key can be forgotten (FR-021, NFR-001). Repeating it is
 * harmless: a row that has the current key is left alone. One row that does not open stops neither the others nor the failing exit code.
 */
import { AppError, describeError, errorCodes } from '@codex-k8s/domain';
import { decryptSecret, encryptSecret, keyIdOfSecret, readConfig, staticKeys, type KeyProvider } from '@codex-k8s/runtime';
import {
  getRepository,
  listRepositories,
  openStore,
  reencryptRepositoryToken,
  repositoryTokenContext,
  translateDatabaseError,
  type Db,
} from '@codex-k8s/store';
import { z } from 'zod';
import { environment } from './config.ts';

const RotationConfig = z.object({
  CODEXK8S_DB_URL: z.string().regex(/^(postgres(ql)?:\/\/|pglite:)/, 'postgres://… or pglite:<folder>'),
  CODEXK8S_TOKEN_ENCRYPTION_KEY: z.string(),
  CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS: z.string().default(''),
});

interface Rotation {
  readonly current_key: string;
  rotated: number;
  unchanged: number;
  readonly failed: { repository: string; code: string; message: string }[];
}

async function run(): Promise<Rotation> {
  const config = readConfig(RotationConfig, environment());
  const oldKeys = config.CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS.split(',').map((key) => key.trim());
  const keys = staticKeys([config.CODEXK8S_TOKEN_ENCRYPTION_KEY, ...oldKeys.filter(Boolean)]);
  await using store = openStore(config.CODEXK8S_DB_URL, { poolSize: 1 });
  const result: Rotation = { current_key: keys.currentKeyId, rotated: 0, unchanged: 0, failed: [] };
  for (const { id, owner, name } of await listRepositories(store.db)) {
    try {
      if (await rotateOne(store.db, keys, id)) result.rotated += 1;
      else result.unchanged += 1;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      result.failed.push({ repository: `${owner}/${name}`, code: error.code, message: error.message });
    }
  }
  return result;
}

/** A token that a person stores at this very moment is never replaced by the one before it: then the row is read again. */
async function rotateOne(db: Db, keys: KeyProvider, id: string): Promise<boolean> {
  for (;;) {
    const repository = await getRepository(db, id);
    if (!repository || keyIdOfSecret(repository.tokenEncrypted) === keys.currentKeyId) return false;
    const context = repositoryTokenContext(id);
    const value = decryptSecret(keys, { value: repository.tokenEncrypted, context });
    if (await reencryptRepositoryToken(db, { id, from: repository.tokenEncrypted, to: encryptSecret(keys, { value, context }) }))
      return true;
  }
}

try {
  const result = await run();
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = result.failed.length > 0 ? 1 : 0;
} catch (thrown) {
  const error = translateDatabaseError(thrown);
  const { code, message } = describeError(error);
  process.stderr.write(`${JSON.stringify({ code, message, remedy: errorCodes[code].remedy })}\n`);
  process.exitCode = 1;
}
