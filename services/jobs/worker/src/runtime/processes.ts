/** Processes of this machine, found so that a reused pid is never mistaken for the one that was started. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Identity of a process; `startTime` is the kernel's, in ticks since boot, empty where there is no /proc. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

export function identify(pid: number): ProcessId | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive({ pid, startTime }: ProcessId): boolean {
  return startTimeOf(pid) === startTime;
}

function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name in parentheses may hold anything; state and start time are counted from behind it.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined; // no such process
    }
  }
  try {
    process.kill(pid, 0);
    return '';
  } catch {
    return undefined; // no such process
  }
}

/** Every process that carries all of these environment entries, such as an agent's background commands. Linux only; elsewhere none. */
export function findByEnvironment(entries: readonly string[]): ProcessId[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      const found = entries.every((entry) => environment.includes(entry)) ? identify(Number(name)) : undefined;
      return found ? [found] : [];
    } catch {
      return []; // ended meanwhile, or not ours to read
    }
  });
}

function signal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // It ended first: that is what was wanted.
  }
}

/** Ends processes and their groups: SIGTERM, up to `graceMs`, then SIGKILL until none is left. */
export async function endProcesses(find: () => ProcessId[], { graceMs }: { graceMs: number }): Promise<void> {
  const until = Date.now() + graceMs;
  if (graceMs > 0) for (const { pid } of find()) signal(pid, 'SIGTERM');
  while (Date.now() < until && find().length > 0) await sleep(50);
  for (let round = 0; round < 100; round += 1) {
    const left = find();
    if (left.length === 0) return;
    for (const { pid } of left) {
      signal(-pid, 'SIGKILL');
      signal(pid, 'SIGKILL');
    }
    await sleep(20);
  }
}
