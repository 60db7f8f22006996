import { randomBytes } from 'node:crypto';
import { migrate, openStore, type Store } from '@codex-k8s/store';
import { sql } from 'kysely';
import pg from 'pg';
import { inject } from 'vitest';
import { templateName } from './global-database.ts';

/** A migrated database of this file's own: a clone of the template on real PostgreSQL, otherwise an in-memory PGlite. */
export async function openTestStore(): Promise<Store> {
  const url = inject('postgresUrl');
  if (url === undefined) {
    const store = openStore('pglite:memory');
    await migrate(store);
    return store;
  }
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create database ${name} template ${templateName}`);
  await admin.end();
  return openStore(url.replace(/\/postgres$/, `/${name}`));
}

/** Forgets every project with all that hangs on it, and the delivery ledger: a test of reconcilers sees only its own rows. */
export async function emptyStore({ db }: Store): Promise<void> {
  await sql`truncate core.projects, core.webhook_deliveries, core.run_namespaces, core.system_settings cascade`.execute(db);
}
