import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '..');

/** Sources of the repository are started by their path in it. */
export function pathOf(source: string): string {
  return join(root, source);
}

export interface Process extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
}

/** A program of the repository that runs until it is disposed of. */
export function startProcess(source: string, env: Readonly<Record<string, string>>): Process {
  const child = spawn(process.execPath, [pathOf(source)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // The caller's NODE_OPTIONS reach the services, so that --cpu-prof can say where their time goes.
    env: {
      PATH: process.env['PATH'],
      NODE_OPTIONS: process.env['NODE_OPTIONS'],
      NODE_ENV: 'production',
      CODEXK8S_LOG_LEVEL: 'fatal',
      ...env,
    },
  });
  const ended = once(child, 'exit');
  if (child.pid === undefined) throw new Error(`${source} did not start`);
  return {
    child,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Runs a program of the repository to its end and reads the JSON it prints. */
export async function runForJson<T>(source: string, input: unknown): Promise<T> {
  const child = spawn(process.execPath, [pathOf(source), JSON.stringify(input)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${source} ended with ${String(code)}`);
  return JSON.parse(output) as T; // printed by a file of this folder
}

export async function until(what: string, probe: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
