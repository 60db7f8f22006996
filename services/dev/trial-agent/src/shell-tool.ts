import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { outputWindow } from './output-window.ts';

export const shellTool = {
  type: 'function',
  name: 'shell',
  description: 'Runs a bash command in the repository and returns its exit code and output (the first and last part when it is long).',
  strict: false,
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['command'],
    properties: {
      command: { type: 'string' },
      timeout_seconds: { type: 'number', description: 'Default 600; the command is stopped after it.' },
    },
  },
} as const;

export const ShellArguments = z.object({
  command: z.string().refine((command) => !command.includes('\0'), 'must not contain a NUL character'),
  timeout_seconds: z.number().positive().max(86_400).default(600),
});
export type ShellArguments = z.infer<typeof ShellArguments>;

export interface ShellOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface ShellOutcome {
  /** 124 after the time limit, 128 + signal number after a signal, as a shell says it. */
  readonly exitCode: number;
  readonly output: string;
  /** What the model reads. */
  readonly text: string;
}

const headBytes = 24 * 1024;
const tailBytes = 24 * 1024;
const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 };

/** Runs one command in a process group of its own; the group is killed at the time limit and on abort. Throws when aborted. */
export async function runShell({ command, timeout_seconds }: ShellArguments, { cwd, env, signal }: ShellOptions): Promise<ShellOutcome> {
  signal.throwIfAborted();
  const startedAt = Date.now();
  const window = outputWindow(headBytes, tailBytes);
  const child = spawn('/bin/bash', ['-c', command], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk: Buffer) => window.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => window.add(chunk));
  let isTimedOut = false;
  const stop = (): void => killGroup(child.pid);
  const timer = setTimeout(() => {
    isTimedOut = true;
    stop();
  }, timeout_seconds * 1000);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const closed = once(child, 'close');
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]; // as node documents the event
    // A background process may hold the pipes open for ever; what it writes later belongs to nobody.
    await Promise.race([closed, sleep(200)]);
    signal.throwIfAborted();
    const exitCode = isTimedOut ? 124 : (code ?? 128 + (signalNumbers[killedBy ?? ''] ?? 0));
    const output = window.text();
    const head = [`Exit code: ${exitCode}`, `Wall time: ${((Date.now() - startedAt) / 1000).toFixed(1)} s`];
    if (isTimedOut) head.push(`Stopped after ${timeout_seconds} s.`);
    return { exitCode, output, text: `${head.join('\n')}\nOutput:\n${output}` };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // the group is gone already
  }
}

/** The environment for commands: without the platform's tokens or anything that looks like a secret. */
export function scrubbed(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = new Set(['CODEXK8S_RUN_ID', 'CODEXK8S_RUN_DIR', 'CODEXK8S_CORRELATION_ID']);
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      const isSecret = /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE_?KEY/i.test(name) || name.startsWith('CODEXK8S_');
      return value === undefined || (isSecret && !kept.has(name)) ? [] : [[name, value]];
    }),
  );
}
