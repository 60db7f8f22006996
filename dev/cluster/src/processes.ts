/**
 * Processes that outlive the command which started them. A file per process keeps its pid and start time, so that a pid which now belongs to
 * somebody else is never taken for ours and never killed.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from './cluster-error.ts';
import { environment } from './config.ts';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Network namespace to run in. */
  readonly namespace?: string | undefined;
}

interface Kept {
  readonly pid: number;
  readonly startedAt: string;
  readonly commandLine: readonly string[];
}

const keptFolder = (folder: string): string => join(folder, 'run');
const keptPath = (folder: string, name: string): string => join(keptFolder(folder), `${name}.json`);
export const logPath = (folder: string, name: string): string => join(folder, 'logs', `${name}.log`);

export function runningPid(folder: string, name: string): number | undefined {
  const path = keptPath(folder, name);
  if (!existsSync(path)) return undefined;
  const { pid, startedAt } = JSON.parse(readFileSync(path, 'utf8')) as Kept; // written below only
  return startTime(pid) === startedAt ? pid : undefined;
}

export function listProcesses(folder: string): string[] {
  const path = keptFolder(folder);
  return existsSync(path) ? readdirSync(path).map((name) => name.replace(/\.json$/, '')) : [];
}

/** Starts it unless the same command line runs already; one that runs with other arguments is replaced. */
export async function ensureProcess(folder: string, spec: ProcessSpec): Promise<void> {
  const { name, env } = spec;
  const commandLine = spec.namespace === undefined ? [spec.command, ...spec.args] : inNamespace(spec.namespace, spec.command, spec.args);
  if (runningPid(folder, name) !== undefined) {
    const { commandLine: kept } = JSON.parse(readFileSync(keptPath(folder, name), 'utf8')) as Kept; // written below only
    if (JSON.stringify(kept) === JSON.stringify(commandLine)) return;
    await stopProcess(folder, name);
  }
  mkdirSync(keptFolder(folder), { recursive: true });
  mkdirSync(join(folder, 'logs'), { recursive: true });
  const log = openSync(logPath(folder, name), 'a');
  const [command = '', ...args] = commandLine;
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: folder,
    env: { ...environment(), GOGC: '400', ...env }, // memory is there, processor time is what tests lack
  });
  closeSync(log);
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0));
    child.once('error', (cause) =>
      reject(new ClusterError(`${name} could not be started: ${cause.message}`, `See ${command}.`, { cause })),
    );
  });
  child.unref();
  const startedAt = startTime(pid);
  if (startedAt === undefined) throw new ClusterError(`${name} ended at once.`, `Read ${logPath(folder, name)}.`);
  writeFileSync(keptPath(folder, name), JSON.stringify({ pid, startedAt, commandLine } satisfies Kept));
}

/** `ip netns exec` would mount another /sys, without the cgroups. */
export function inNamespace(namespace: string, command: string, args: readonly string[]): string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, command, ...args];
}

/** Returns when it is gone: TERM, and KILL after ten seconds. */
export async function stopProcess(folder: string, name: string): Promise<void> {
  const pid = runningPid(folder, name);
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    if (!(await isGone(folder, name, 10_000))) {
      process.kill(pid, 'SIGKILL');
      await isGone(folder, name, 5_000);
    }
  }
  rmSync(keptPath(folder, name), { force: true });
}

async function isGone(folder: string, name: string, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(50)) {
    if (runningPid(folder, name) === undefined) return true;
  }
  return false;
}

/** In clock ticks since boot; undefined when there is no such process, or only its zombie. */
function startTime(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Waits for a condition; a process of ours that ends meanwhile says so at once, with the end of its log. */
export async function until(
  what: string,
  isTrue: () => Promise<boolean>,
  { folder, watched, withinMs }: { folder: string; watched: readonly string[]; withinMs: number },
): Promise<void> {
  for (const deadline = Date.now() + withinMs; ; await sleep(100)) {
    if (await isTrue()) return;
    const dead = watched.find((name) => runningPid(folder, name) === undefined);
    if (dead !== undefined) throw new ClusterError(`${dead} has ended:\n${logTail(folder, dead)}`, `Read ${logPath(folder, dead)}.`);
    if (Date.now() > deadline) {
      const tails = watched.map((name) => `${name}: ${logTail(folder, name, 3)}`).join('\n');
      throw new ClusterError(`${what}: not within ${withinMs / 1000} s.\n${tails}`, `Read the logs in ${join(folder, 'logs')}.`);
    }
  }
}

function logTail(folder: string, name: string, lines = 8): string {
  try {
    return readFileSync(logPath(folder, name), 'utf8').trim().split('\n').slice(-lines).join('\n');
  } catch {
    return '(no log)';
  }
}
