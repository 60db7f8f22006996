/** The half of `doctor` that touches the machine; what it finds is judged in check.ts. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { asCliError } from '../cli-error.ts';
import { MigrationAnswer } from '../commands/database.ts';
import { isConsoleFresh } from '../console-build.ts';
import { dataDirOwner } from '../data-dir.ts';
import { findInstalled, paths } from '../repository-paths.ts';
import { runPart } from '../run-part.ts';
import { checkCodex, checkConsole, checkDisk, checkGit, checkNode, checkPorts, type Check } from './check.ts';

const run = promisify(execFile);
const firstPort = 8080;

export async function lookAround({ dataDir, hasDatabase }: { dataDir: string; hasDatabase: boolean }): Promise<Check[]> {
  const [git, codex, taken, disk, database] = await Promise.all([
    versionOf('git'),
    versionOf('codex'),
    takenPorts(),
    statfs(existingPart(dataDir)),
    hasDatabase ? checkDatabase() : undefined,
  ]);
  return [
    checkNode(process.versions.node),
    checkGit(git),
    checkPorts(firstPort, taken),
    checkDataDir(dataDir),
    checkDisk(disk.bavail * disk.bsize),
    checkConsole({ isFresh: isConsoleFresh(), canBuild: findInstalled('vite/bin/vite.js', paths.console) !== undefined }),
    checkCodex(codex),
    database ?? { name: 'database', verdict: 'ok', found: 'embedded (PGlite); CODEXK8S_DB_URL names a PostgreSQL instead' },
  ];
}

async function versionOf(command: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ['--version'], { timeout: 10_000 });
    return stdout.trim();
  } catch {
    return undefined; // not there, or it does not run
  }
}

async function takenPorts(): Promise<number[]> {
  const ports = [0, 1, 2, 3, 4].map((offset) => firstPort + offset);
  const free = await Promise.all(ports.map(isFree));
  return ports.filter((_, index) => free[index] === false);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function existingPart(path: string): string {
  return existsSync(path) ? path : existingPart(dirname(path));
}

function checkDataDir(dataDir: string): Check {
  const name = 'data folder';
  const owner = dataDirOwner(dataDir);
  if (owner !== undefined) {
    return {
      name,
      verdict: 'warn',
      found: `${dataDir} is used by process ${owner}`,
      remedy: 'A second platform needs another --data-dir.',
    };
  }
  try {
    accessSync(existingPart(dataDir), constants.W_OK | constants.X_OK);
    return { name, verdict: 'ok', found: dataDir };
  } catch {
    return { name, verdict: 'fail', found: `${dataDir} is not writable`, remedy: 'Correct its rights, or choose another --data-dir.' };
  }
}

/** Asks the control plane's own command: only the store may talk to PostgreSQL. Its first migration needs pgvector and says so. */
async function checkDatabase(): Promise<Check> {
  const name = 'database';
  try {
    const { database, pending } = await runPart(paths.migrate, ['--dry-run'], MigrationAnswer);
    if (pending.length === 0) return { name, verdict: 'ok', found: `${database}, up to date` };
    return {
      name,
      verdict: 'warn',
      found: `${database} lacks ${pending.length} migrations`,
      remedy: 'Run `codexk8s migrate`; it also says when pgvector is missing.',
    };
  } catch (error) {
    const { message, problem } = asCliError(error);
    return { name, verdict: 'fail', found: message, remedy: `${problem.remedy ?? ''} Check CODEXK8S_DB_URL.`.trim() };
  }
}
