import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const bin = join(import.meta.dirname, '../../services/staff/cli/bin/codexk8s.mjs');

export interface Command {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
}

/** Starts the command line as a user does; nothing of this machine's platforms may leak in. */
export function codexk8s(args: readonly string[], { cwd, env = {} }: { cwd: string; env?: Record<string, string> }): Command {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CODEXK8S_')));
  const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null); // node's documented arguments
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

export async function until(isDone: () => boolean, { within, what }: { within: number; what: () => string }): Promise<void> {
  const deadline = Date.now() + within;
  while (!isDone()) {
    if (Date.now() > deadline) throw new Error(`Not within ${within} ms: ${what()}`);
    await sleep(50);
  }
}

/** Every process that names the folder in its command line or environment. */
export function processesOf(folder: string): number[] {
  const reads = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return ''; // gone, or not ours
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && `${reads(`/proc/${pid}/cmdline`)}${reads(`/proc/${pid}/environ`)}`.includes(folder));
}
