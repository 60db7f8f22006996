import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Ends a process group: SIGTERM, and SIGKILL for what is left after the grace time. Returns when none of it is left. */
export async function endGroup(pgid: number, graceMs: number): Promise<void> {
  if (!signalGroup(pgid, 'SIGTERM')) return;
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline) {
    if (!signalGroup(pgid, 0)) return;
    await sleep(20);
  }
  signalGroup(pgid, 'SIGKILL');
}

function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch {
    return false; // no such group, or only zombies of others
  }
}

/**
 * Kills every process that carries this run's id in its environment: commands that left the agent's group (`setsid`), and whatever an
 * earlier attempt left behind. Our own process and its ancestors stay. Linux only; elsewhere the group is all there is.
 */
export async function killMarked(runId: string): Promise<number> {
  const mark = `CODEXK8S_RUN_ID=${runId}`;
  const killed = new Set<number>();
  const own = await ancestors(process.pid);
  for (let round = 0; round < 20; round += 1) {
    const pids = await marked(mark, own);
    if (pids.length === 0) break;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
        killed.add(pid);
      } catch {
        // it ended by itself
      }
    }
    await sleep(10); // a process may have forked before it died
  }
  return killed.size;
}

async function marked(mark: string, except: ReadonlySet<number>): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (except.has(pid)) return false;
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''); // gone, or another user's; zombies have none
      return environ.split('\0').includes(mark);
    }),
  );
  return pids.filter((_, index) => found[index]);
}

async function ancestors(pid: number): Promise<ReadonlySet<number>> {
  const known = new Set<number>();
  for (let next = pid; next > 0 && !known.has(next);) {
    known.add(next);
    const stat = await readFile(`/proc/${next}/stat`, 'utf8').catch(() => '');
    next = Number(/^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1] ?? 0);
  }
  return known;
}
