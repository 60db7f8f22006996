import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Agents have sessions of their own, so that they outlive a killed worker; each carries the folder of its run in its environment. Finds
 * those of one data folder (Linux; elsewhere the platform's own stop is all there is).
 */
export function findRunProcesses(dataDir: string): number[] {
  const mark = `\0CODEXK8S_RUN_DIR=${join(dataDir, 'runs')}/`;
  return listPids().filter((pid) => pid !== process.pid && `\0${environmentOf(pid)}`.includes(mark));
}

/** Ends what a platform that had to be killed left behind. */
export function killRunProcesses(dataDir: string): number {
  const pids = findRunProcesses(dataDir);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ended by itself meanwhile
    }
  }
  return pids.length;
}

function listPids(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return []; // no /proc here
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // another user's, or gone
  }
}
