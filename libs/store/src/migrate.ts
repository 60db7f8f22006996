import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { AppError } from '@codex-k8s/domain';
import { sql } from 'kysely';
import type { Store } from './store.ts';

const folder = new URL('../migrations/', import.meta.url);
const lockKey = 4_251_701; // any number, the same in every process

export interface Migration {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

export function listMigrations(): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}_.*[.]sql$/.test(name))
    .toSorted()
    .map((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
    });
}

/**
 * Applies what is missing, oldest first, each file in one transaction, forward only. Safe to call from several processes at once.
 * Returns the names it applied. A database that is newer than the code, as after a rollback, is left as it is. `config.invalid`: a file that was
 * applied has been edited since.
 */
export async function migrate(store: Store): Promise<string[]> {
  await store.exec(`create table if not exists public.schema_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  const applied: string[] = [];
  for (const migration of listMigrations()) {
    if (await applyOne(store, migration)) applied.push(migration.name);
  }
  return applied;
}

async function applyOne(store: Store, { name, text, checksum }: Migration): Promise<boolean> {
  const { rows } = await sql<{ checksum: string }>`select checksum from public.schema_migrations where name = ${name}`.execute(store.db);
  const known = rows[0];
  if (known) {
    if (known.checksum !== checksum)
      throw new AppError('config.invalid', `Migration ${name} was changed after it was applied; write a new one instead.`);
    return false;
  }
  // One simple-protocol script is one transaction; the insert fails if another process was first, and takes the whole script with it.
  try {
    await store.exec(
      `begin; select pg_advisory_xact_lock(${lockKey}); insert into public.schema_migrations (name, checksum) values ('${name}', '${checksum}');\n${text}\n;commit;`,
    );
    return true;
  } catch (error) {
    if ((error as { constraint?: string }).constraint === 'schema_migrations_pkey') return false;
    throw error;
  }
}

/** Names of migrations the code has and the database has not. */
export async function pendingMigrations(store: Store): Promise<string[]> {
  const { rows } = await sql<{ exists: boolean }>`select to_regclass('public.schema_migrations') is not null as exists`.execute(store.db);
  if (!rows[0]?.exists) return listMigrations().map(({ name }) => name);
  const { rows: done } = await sql<{ name: string }>`select name from public.schema_migrations`.execute(store.db);
  const names = new Set(done.map(({ name }) => name));
  return listMigrations().flatMap(({ name }) => (names.has(name) ? [] : [name]));
}
