/** Starts the trial as a stranger would: one process, its own folder and ports; kills it hard or softly. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');

export interface Trial {
  readonly consoleUrl: string;
  readonly apiUrl: string;
  readonly githubUrl: string;
  readonly adminToken: string;
  readonly githubToken: string;
  readonly process: ChildProcess;
  readonly dataDir: string;
  /** Ctrl-C; resolves with the milliseconds until it had ended. */
  stop(): Promise<number>;
  kill(): Promise<void>;
}

export function trialFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'codexk8s-trial-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

interface Ready {
  readonly console_url: string;
  readonly api_url: string;
  readonly github_url: string;
  readonly admin_token: string;
  readonly github_token: string;
}

/** A user may mount a small file system in a name space of its own, unless the machine forbids it. */
export const canMount =
  spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

function onSmallDisk(path: string, diskMb: number, command: readonly string[]): readonly string[] {
  mkdirSync(path);
  const mount = `mount -t tmpfs -o size=${diskMb}m tmpfs "$0" && exec "$@"`;
  return ['unshare', '--user', '--map-root-user', '--mount', 'bash', '-c', mount, path, ...command];
}

/** Resolves when it has printed its line. */
export async function startTrial({
  dataDir,
  port = 0,
  env = {},
  diskMb,
}: {
  dataDir: string;
  port?: number;
  env?: Record<string, string>;
  /** Its data folder is a file system of this size; see `canMount`. */
  diskMb?: number;
}): Promise<Trial> {
  const data = join(dataDir, 'data');
  const main = [process.execPath, join(root, 'services/dev/all-in-one/src/main.ts'), '--json', '--port', String(port), '--data-dir', data];
  const [file = '', ...args] = diskMb === undefined ? main : onSmallDisk(data, diskMb, main);
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const ended = once(child, 'exit');
  const line = await Promise.race([firstLine(child), ended.then(() => undefined)]);
  if (line === undefined) throw new Error('the platform ended before it was ready');
  const ready = JSON.parse(line) as Ready; // its documented line
  return {
    consoleUrl: ready.console_url,
    apiUrl: ready.api_url,
    githubUrl: ready.github_url,
    adminToken: ready.admin_token,
    githubToken: ready.github_token,
    process: child,
    dataDir: data,
    stop: async () => {
      const startedAt = performance.now();
      child.kill('SIGINT');
      await ended;
      return performance.now() - startedAt;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<string | undefined> {
  if (!stdout) return undefined;
  for await (const line of createInterface(stdout)) {
    stdout.resume();
    return line;
  }
  return undefined;
}

/** Waits for a condition with a deadline, never for a time. */
export async function until<T>(what: string, probe: () => Promise<T | undefined | false>, timeoutMs = 60_000, everyMs = 100): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
