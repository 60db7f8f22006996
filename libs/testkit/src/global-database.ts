import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openStore } from '@codex-k8s/store';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Administrator URL of a real PostgreSQL with the template `codexk8s_template`; absent: tests use PGlite. */
    postgresUrl: string | undefined;
    /** A folder of a migrated PGlite, which each file copies; absent with a real PostgreSQL. */
    pgliteTemplate: string | undefined;
  }
}

export const templateName = 'codexk8s_template';

/** Once per test run: with CODEXK8S_TEST_ENGINE=postgresql a real server with one migrated template, which each file clones; otherwise a template of PGlite. */
export default async function setup({ provide }: TestProject): Promise<(() => void) | undefined> {
  if (process.env['CODEXK8S_TEST_ENGINE'] !== 'postgresql') {
    const template = mkdtempSync(join(tmpdir(), 'codexk8s-pglite-'));
    const store = openStore(`pglite:${template}`);
    await migrate(store);
    await store[Symbol.asyncDispose]();
    provide('postgresUrl', undefined);
    provide('pgliteTemplate', template);
    return () => rmSync(template, { recursive: true, force: true });
  }
  const postgres = await startPostgres();
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`create database ${templateName}`);
  await admin.end();
  const template = openStore(postgres.url.replace(/\/postgres$/, `/${templateName}`), { poolSize: 1 });
  await migrate(template);
  await template[Symbol.asyncDispose]();
  provide('postgresUrl', postgres.url);
  provide('pgliteTemplate', undefined);
  return () => postgres.stop();
}
