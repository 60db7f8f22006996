import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openStore, type Store } from '@codex-k8s/store';
import { sql } from 'kysely';
import pg from 'pg';
import { inject } from 'vitest';
import { templateName } from './global-database.ts';

/** A migrated database of this file's own: a clone of the template on real PostgreSQL, otherwise a copy of a PGlite folder; a suite without templates gets a new one. */
export async function openTestStore(): Promise<Store> {
  const [url, pglite] = [inject('postgresUrl'), inject('pgliteTemplate')];
  if (pglite !== undefined) return copyOf(pglite);
  if (url === undefined) return aNewStore();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create database ${name} template ${templateName}`);
  await admin.end();
  return openStore(url.replace(/\/postgres$/, `/${name}`));
}

async function aNewStore(): Promise<Store> {
  const store = openStore('pglite:memory');
  await migrate(store);
  return store;
}

/** Opening a folder that was made before takes a fraction of what making one takes. */
function copyOf(template: string): Store {
  const folder = mkdtempSync(join(tmpdir(), 'codexk8s-pglite-'));
  cpSync(template, folder, { recursive: true });
  const store = openStore(`pglite:${folder}`);
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Forgets every project with all that hangs on it, and the delivery ledger: a test of reconcilers sees only its own rows. */
export async function emptyStore({ db }: Store): Promise<void> {
  await sql`truncate core.projects, core.webhook_deliveries, core.run_namespaces, core.system_settings cascade`.execute(db);
}
