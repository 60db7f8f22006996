import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { migrate, openStore } from '@codex-k8s/store';
import { startPostgres } from '@codex-k8s/testkit';
import { expect, test } from 'vitest';

/** What differs from one installation to the next: comments, settings, and the random word newer dumps are fenced with. */
const noise = /^(?:--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(?:un)?restrict .*)\n/gm;

// After a new migration: npx vitest run --project e2e tests/e2e/schema.e2e.test.ts -u, and read the difference.
test('libs/store/schema.sql is what the migrations make of an empty database', async () => {
  const postgres = await startPostgres();
  try {
    await using store = openStore(postgres.url, { poolSize: 1 });
    await migrate(store);
    const dump = execFileSync(join(postgres.binDir, 'pg_dump'), ['--schema-only', '--no-owner', '--no-privileges', postgres.url], {
      encoding: 'utf8',
    });

    await expect(
      dump
        .replaceAll(noise, '')
        .replaceAll(/\n{3,}/g, '\n\n')
        .trimStart(),
    ).toMatchFileSnapshot('../../libs/store/schema.sql');
  } finally {
    postgres.stop();
  }
});
