import { readFileSync } from 'node:fs';
import { join } from 'node:path';

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
