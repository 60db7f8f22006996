import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real PostgreSQL in a temporary folder, for tests and benchmarks. */
export interface TestPostgres {
  /** Administrator connection, `postgres://…/postgres`. */
  readonly url: string;
  readonly binDir: string;
  /** Stops and starts it again, as after a crash when `mode` is `immediate`. */
  restart(mode: 'fast' | 'immediate'): void;
  stop(): void;
}

const installed = '/usr/lib/postgresql';

/** The newest PostgreSQL of at least 15 on this machine; undefined when there is none. */
export function findPostgres(): string | undefined {
  if (!existsSync(installed)) return undefined;
  return readdirSync(installed)
    .filter((version) => Number(version) >= 15)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(installed, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
}

/** Starts one. It refuses to run as root, so root runs it as the user `postgres`. */
export async function startPostgres(
  settings: readonly string[] = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'],
): Promise<TestPostgres> {
  const binDir = findPostgres();
  if (!binDir) throw new Error('PostgreSQL 15 or newer is needed; on Debian run .ci/install');
  const folder = mkdtempSync(join(tmpdir(), 'codexk8s-postgres-'));
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  const isRoot = process.getuid?.() === 0;
  const run = (command: string, ...args: string[]): void => {
    const [file, rest] = isRoot ? ['runuser', ['-u', 'postgres', '--', join(binDir, command), ...args]] : [join(binDir, command), args];
    execFileSync(file, rest, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  };
  const port = await freePort();
  run('initdb', '-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync');
  const options = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'max_connections=200',
    'shared_buffers=256MB',
    ...settings,
  ];
  const start = (): void =>
    run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), '-o', options.map((option) => `-c ${option}`).join(' '), 'start');
  start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    binDir,
    restart: (mode) => {
      run('pg_ctl', '-D', data, '-w', '-m', mode, 'stop');
      start();
    },
    stop: () => {
      run('pg_ctl', '-D', data, '-w', '-m', 'immediate', 'stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
