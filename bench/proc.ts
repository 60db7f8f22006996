/** What Linux counts for a process and everything it started. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Memory {
  readonly processes: number;
  /** Resident: pages that processes share count once for each of them. MiB. */
  readonly rssMib: number;
  /** Proportional: shared pages are divided among those who share them. MiB. */
  readonly pssMib: number;
}

/** Undefined: the process ended meanwhile. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat behind the name, which may hold anything: the state, the parent, … */
function statOf(pid: number): string[] | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function withDescendants(root: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = all.map((pid) => [Number(pid), Number(statOf(Number(pid))?.[1])] as const);
  const below = (pid: number): number[] => [pid, ...parents.filter(([, parent]) => parent === pid).flatMap(([child]) => below(child))];
  return below(root);
}

export function memoryOf(pid: number): Memory {
  const rollups = withDescendants(pid).flatMap((one) => readIfThere(`/proc/${one}/smaps_rollup`) ?? []);
  const sum = (name: string): number =>
    rollups.reduce((total, text) => total + Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0), 0) / 1024;
  return { processes: rollups.length, rssMib: sum('Rss'), pssMib: sum('Pss') };
}

const tickMs = 10; // USER_HZ is 100 on every Linux that Node.js runs on

/** Processor time used so far, children that have ended included. */
export function cpuMsOf(pid: number): number {
  const ticks = withDescendants(pid).map((one) => (statOf(one) ?? []).slice(11, one === pid ? 15 : 13));
  return ticks.flat().reduce((total, count) => total + Number(count), 0) * tickMs;
}
