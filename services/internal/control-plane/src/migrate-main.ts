/**
 * Applies what the database lacks; `--dry-run` only names it. One JSON object on standard output, or the error object on standard error:
 * the command line and a Helm hook both read it.
 */
import { AppError, describeError, errorCodes } from '@codex-k8s/domain';
import { readConfig } from '@codex-k8s/runtime';
import { isUntrusted, migrate, openStore, pendingMigrations, sqlState, translateDatabaseError } from '@codex-k8s/store';
import { z } from 'zod';
import { environment } from './config.ts';

const MigrationConfig = z.object({
  CODEXK8S_DB_URL: z.string().regex(/^(postgres(ql)?:\/\/|pglite:)/, 'postgres://… or pglite:<folder>'),
});

async function run(dryRun: boolean): Promise<object> {
  const config = readConfig(MigrationConfig, environment());
  await using store = openStore(config.CODEXK8S_DB_URL, { poolSize: 1 });
  const pending = await pendingMigrations(store);
  return { database: store.kind, pending, applied: dryRun ? [] : await migrate(store) };
}

/** PostgreSQL's word for a missing extension (pgvector above all) or right, or TLS's for an authority: the installation is wrong, not our code. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isRefused = ['0A000', '58P01', '42501', '28000', '28P01', '3D000'].includes(sqlState(error) ?? '');
  if (isRefused) return new AppError('config.invalid', `PostgreSQL refuses: ${error.message}`, { cause: error });
  if (!isUntrusted(error)) return error;
  const message = `PostgreSQL is not trusted: ${error.message}. NODE_EXTRA_CA_CERTS names a file of more authorities.`;
  return new AppError('config.invalid', message, { cause: error });
}

try {
  const result = await run(process.argv.includes('--dry-run'));
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (thrown) {
  const error = translateDatabaseError(asRefusal(thrown));
  const { code, message } = describeError(error);
  process.stderr.write(`${JSON.stringify({ code, message, remedy: errorCodes[code].remedy })}\n`);
  process.exitCode = 1;
}
