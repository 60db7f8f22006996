import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import type { Environment } from './config.ts';

export const defaultDataDir = '.codexk8s';

export const dataDirOption = (): Option =>
  new Option('--data-dir <dir>', `where the platform keeps everything (CODEXK8S_DATA_DIR; default ${defaultDataDir})`);

/** The folder a command means: named, from the environment, or the default in the current one. */
export function dataDirOf(
  { dataDir }: { readonly dataDir?: string },
  { cwd, environment }: { readonly cwd: string; readonly environment: Environment },
): string {
  return resolve(cwd, dataDir ?? environment['CODEXK8S_DATA_DIR'] ?? defaultDataDir);
}

/** The process that uses a data folder: the embedded database's lock names it. */
export function dataDirOwner(dataDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(dataDir, 'database.lock'), 'utf8'));
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined; // no lock, or left by a process that is gone
  }
}
