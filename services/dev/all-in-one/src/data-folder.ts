/**
 * The trial's data folder as a whole. Everything here holds the database's lock meanwhile, so that no platform starts on half a folder and no
 * running one loses its files. `database.locked` when a platform uses it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@codex-k8s/domain';
import { lockDatabaseFolder } from '@codex-k8s/store';

const database = 'database';
/** Made anew at every start; workspaces hold nothing that is not delivered or in the database. */
const leftOut = [`${database}.lock`, 'runs', 'cli.json'];

export function databaseFolder(dataDir: string): string {
  return join(dataDir, database);
}

export function resetDataFolder(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  const unlock = lockDatabaseFolder(databaseFolder(dataDir));
  try {
    for (const name of readdirSync(dataDir)) {
      if (name !== `${database}.lock`) rmSync(join(dataDir, name), { recursive: true, force: true });
    }
  } finally {
    unlock();
  }
}

export interface Archive {
  readonly file: string;
  readonly bytes: number;
}

/** Writes everything but workspaces into one gzipped tar, readable by its owner only: the platform's keys are inside. */
export function backUpDataFolder({ dataDir, file }: { dataDir: string; file: string }): Archive {
  if (!existsSync(databaseFolder(dataDir)))
    throw new AppError('config.invalid', `There is no platform's data in ${dataDir}; name its folder with --data-dir.`);
  const unlock = lockDatabaseFolder(databaseFolder(dataDir));
  const unfinished = `${file}.part`;
  try {
    execFileSync(
      'sh',
      ['-c', 'umask 077 && exec tar "$@"', 'tar', '-czf', unfinished, ...leftOut.map((name) => `--exclude=./${name}`), '-C', dataDir, '.'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new AppError('config.invalid', `The archive ${file} could not be written: ${lastLine(error)}`, { cause: error });
  } finally {
    unlock();
  }
  return { file, bytes: statSync(file).size };
}

/** Unpacks an archive into a folder that holds nothing yet; on failure nothing is left behind. */
export function restoreDataFolder({ dataDir, file }: { dataDir: string; file: string }): Archive {
  if (!existsSync(file)) throw new AppError('config.invalid', `There is no file ${file}.`);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new AppError('config.invalid', `${dataDir} is not empty; name another --data-dir, or move it away.`);
  const unfinished = `${dataDir}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  try {
    execFileSync('tar', ['-xzf', file, '-C', unfinished, '--no-same-owner'], { stdio: ['ignore', 'ignore', 'pipe'] });
    if (!existsSync(databaseFolder(unfinished))) throw new AppError('config.invalid', `${file} is not a backup of a platform.`);
    rmSync(dataDir, { recursive: true, force: true });
    renameSync(unfinished, dataDir);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (error instanceof AppError) throw error;
    throw new AppError('config.invalid', `${file} could not be unpacked: ${lastLine(error)}`, { cause: error });
  }
  return { file, bytes: statSync(file).size };
}

/** What tar said, without the command line that Node puts before it. */
function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message.trim() : String(error);
  return text.split('\n').at(-1) ?? text;
}
