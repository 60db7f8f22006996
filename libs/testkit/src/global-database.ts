import { migrate, openStore } from '@codex-k8s/store';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Administrator URL of a real PostgreSQL with the template `codexk8s_template`; absent: tests use PGlite. */
    postgresUrl: string | undefined;
  }
}

export const templateName = 'codexk8s_template';

/** Once per test run: with CODEXK8S_TEST_ENGINE=postgresql a real server with one migrated template, which each file clones. */
export default async function setup({ provide }: TestProject): Promise<(() => void) | undefined> {
  if (process.env['CODEXK8S_TEST_ENGINE'] !== 'postgresql') {
    provide('postgresUrl', undefined);
    return undefined;
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
  return () => postgres.stop();
}
