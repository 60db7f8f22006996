import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Ends a process group: SIGTERM, and SIGKILL for what is left after the grace time. */
export async function endGroup(pgid: number, graceMs: number): Promise<void> {
  if (!signalGroup(pgid, 'SIGTERM')) return;
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline) {
    if (!(await isGroupAlive(pgid))) return;
    await sleep(30);
  }
  signalGroup(pgid, 'SIGKILL');
}

/** Zombies do not count: where nobody reaps orphans, as under a first process that is no init, they stay for ever. */
async function isGroupAlive(pgid: number): Promise<boolean> {
  const pids = await processIds();
  if (pids.length === 0) return signalGroup(pgid, 0); // no /proc
  const states = await Promise.all(pids.map(async (pid) => /^\d+ \(.*\) (\S) \d+ (\d+)/s.exec(await procFile(pid, 'stat'))));
  return states.some((stat) => stat?.[1] !== 'Z' && Number(stat?.[2]) === pgid);
}

function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch {
    return false; // no such group
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
  const pids = (await processIds()).filter((pid) => !except.has(pid));
  const found = await Promise.all(pids.map(async (pid) => (await procFile(pid, 'environ')).split('\0').includes(mark)));
  return pids.filter((_, index) => found[index]);
}

async function processIds(): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => []);
  return entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
}

/** Empty: the process is gone, another user's, or (its environment) a zombie's. */
async function procFile(pid: number, name: 'environ' | 'stat'): Promise<string> {
  return readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
}

async function ancestors(pid: number): Promise<ReadonlySet<number>> {
  const known = new Set<number>();
  for (let next = pid; next > 0 && !known.has(next);) {
    known.add(next);
    const stat = await procFile(next, 'stat');
    next = Number(/^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1] ?? 0);
  }
  return known;
}
