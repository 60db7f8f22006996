/** A PostgreSQL that somebody else runs: reached over TLS, and filled from a dump, by the commands of the documents. */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { getRun, listMigrations, migrate, moveRun, openStore, pendingMigrations } from '@codex-k8s/store';
import { aProject, aRepository, aRun, startPostgres, type TestPostgres } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from './test-certificate.ts';
import { trialFolder } from './trial-platform.ts';

const root = join(import.meta.dirname, '../..');
const folder = trialFolder();
const authority = join(folder.path, 'ca.crt');
let postgres: TestPostgres;
let port: string;

beforeAll(async () => {
  chmodSync(folder.path, 0o755); // the server, which is another user, reads its certificate there
  makeCertificate(folder.path, ['DNS:localhost']);
  const key = join(folder.path, 'server.key');
  chmodSync(key, 0o600);
  if (process.getuid?.() === 0) chownSync(key, Number(execFileSync('id', ['-u', 'postgres'])), statSync(key).gid);
  postgres = await startPostgres(['fsync=off', 'ssl=on', `ssl_cert_file=${join(folder.path, 'server.crt')}`, `ssl_key_file=${key}`]);
  port = new URL(postgres.url).port;
  await using admin = openStore(postgres.url, { poolSize: 1 });
  for (const name of ['platform', 'codexk8s', 'moved']) {
    await admin.exec(`create role ${name} login`);
    await admin.exec(`create database ${name} owner ${name}`);
    await using own = openStore(urlOf('postgres', name), { poolSize: 1 });
    await own.exec('create extension vector');
  }
});
afterAll(() => {
  postgres?.stop();
  folder.remove();
});

const urlOf = (user: string, database = user, host = '127.0.0.1'): string => `postgres://${user}@${host}:${port}/${database}`;

describe('a database over TLS has to prove who it is', () => {
  test.each([
    ['is of an authority that nobody named', 'localhost', {}, 'unable to verify the first certificate'],
    ['is for another host', '127.0.0.1', { NODE_EXTRA_CA_CERTS: authority }, 'altnames'],
  ])('one whose certificate %s is refused', async (_, host, environment, said) => {
    const { stderr } = await migrateAt(host, environment);

    expect(JSON.parse(stderr)).toMatchObject({ code: 'config.invalid', message: expect.stringContaining(said) });
  });

  test('one of an authority that is named is migrated', async () => {
    const { stdout } = await migrateAt('localhost', { NODE_EXTRA_CA_CERTS: authority });

    const names = listMigrations().map(({ name }) => name);
    expect(JSON.parse(stdout)).toEqual({ database: 'postgresql', pending: names, applied: names });
  });

  async function migrateAt(host: string, environment: object): Promise<{ stdout: string; stderr: string }> {
    const env = {
      PATH: process.env['PATH'],
      CODEXK8S_DB_URL: `${urlOf('platform', 'platform', host)}?sslmode=verify-full`,
      ...environment,
    };
    const main = join(root, 'services/internal/control-plane/src/migrate-main.ts');
    return promisify(execFile)(process.execPath, [main], { env }).catch((error: unknown) => error as { stdout: string; stderr: string }); // of a failed one, too
  }
});

test('a dump brings everything back, and moves to the database of a user without further rights', async () => {
  await using store = openStore(urlOf('codexk8s'), { poolSize: 2 });
  await migrate(store);
  const run = await aRun(store, { repository: await aRepository(store, (await aProject(store)).id) });
  const [dump, restore, list, move] = documentedCommands();

  inFolder(`${dump} >codexk8s.dump`);
  await sql`truncate core.projects cascade`.execute(store.db);
  inFolder(`${restore} <codexk8s.dump`);
  const restored = await getRun(store.db, run.id);
  inFolder(`${list}\n${move}`);

  expect(restored).toEqual(run);
  await using moved = openStore(urlOf('moved'), { poolSize: 2 });
  expect(await pendingMigrations(moved)).toEqual([]);
  expect(await getRun(moved.db, run.id)).toEqual(run);
  expect(await moveRun(moved.db, 'cancel', { id: run.id, actor: { type: 'human', id: 'ann' } })).toMatchObject({ status: 'cancelled' });
});

/** Dump, restore, list and move, as docs/how-to/install-with-helm.md has them. */
function documentedCommands(): readonly string[] {
  const text = readFileSync(join(root, 'docs/how-to/install-with-helm.md'), 'utf8');
  const found = [/'(pg_dump [^']*)'/, /'(pg_restore [^']*)'/, /^(pg_restore --list .*)$/m, /^(pg_restore --use-list.*)$/m].map(
    (pattern) => pattern.exec(text)?.[1],
  );
  expect(found).not.toContain(undefined);
  return found.map((command) => (command ?? '').replace('--host=/run/postgresql', `--host=127.0.0.1 --port=${port}`));
}

function inFolder(script: string): void {
  const env = { PATH: `${postgres.binDir}:${process.env['PATH'] ?? ''}`, URL: urlOf('moved') };
  execFileSync('bash', ['-c', `set -euo pipefail\n${script}`], { cwd: folder.path, env, stdio: ['ignore', 'ignore', 'pipe'] });
}
