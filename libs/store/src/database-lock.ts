import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '@codex-k8s/domain';

/**
 * PGlite has no lock of its own: a second process that opened the folder would corrupt it. The file beside the folder names the owner's pid; a
 * dead owner's lock is taken over. Returns how to let go. `database.locked` when a live process has it.
 */
export function lockDatabaseFolder(dataDir: string): () => void {
  mkdirSync(dirname(dataDir), { recursive: true });
  const path = join(dirname(dataDir), `${dataDir.split('/').at(-1)}.lock`);
  for (;;) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(readFileSync(path, 'utf8'));
      if (owner !== process.pid && isAlive(owner)) {
        throw new AppError('database.locked', `Process ${owner} uses the data folder ${dataDir}.`, { cause: error });
      }
      if (owner === process.pid) throw new AppError('database.locked', `This process has opened ${dataDir} already.`, { cause: error });
      rmSync(path, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
