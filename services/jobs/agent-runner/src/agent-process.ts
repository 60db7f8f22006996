import { spawn } from 'node:child_process';
import type { AgentCommand } from './agents/agent-adapter.ts';
import { endGroup } from './process-group.ts';

export interface AgentExit {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** The program could not be started: ENOENT, EACCES … */
  readonly startError: string | undefined;
  /** The last lines of standard error. */
  readonly lastErrors: string;
}

export interface AgentProcess {
  readonly pid: number | undefined;
  readonly exit: Promise<AgentExit>;
  /** SIGTERM to the whole group, SIGKILL after the grace time. */
  stop(graceMs: number): Promise<void>;
}

export interface AgentProcessOptions {
  readonly command: AgentCommand;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly onOutput: (line: string) => void;
  readonly onError: (line: string) => void;
}

/** A line longer than this is not read on: nobody's event is that long. */
const longestLine = 16 * 1024 * 1024;
const keptErrors = 50;

/** Starts an agent in a process group of its own. */
export function startAgent({ command, cwd, env, stdin, onOutput, onError }: AgentProcessOptions): AgentProcess {
  const child = spawn(command.file, command.args, {
    cwd,
    env: { ...env, ...command.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lastErrors: string[] = [];
  let startError: string | undefined;
  readLines(child.stdout, onOutput);
  readLines(child.stderr, (line) => {
    lastErrors.push(line.slice(0, 2000));
    if (lastErrors.length > keptErrors) lastErrors.shift();
    onError(line);
  });
  child.stdin.on('error', () => undefined); // it may end before it has read its prompt
  child.stdin.end(stdin);
  const exit = new Promise<AgentExit>((resolve) => {
    let grace: NodeJS.Timeout | undefined;
    const done = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(grace);
      resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined, startError, lastErrors: lastErrors.join('\n') });
    };
    child.on('error', (error) => {
      startError = error.message;
      done(null, null);
    });
    child.on('close', done);
    child.on('exit', (exitCode, signal) => {
      // A process the agent left behind may hold the pipes open.
      grace = setTimeout(() => done(exitCode, signal), 1000);
    });
  });
  const { pid } = child;
  return {
    pid,
    exit,
    stop: async (graceMs) => {
      if (pid !== undefined) await endGroup(pid, graceMs);
    },
  };
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let held = '';
  let isTooLong = false;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (held + chunk).split('\n');
    held = parts.pop() ?? '';
    for (const line of parts) {
      if (!isTooLong) onLine(line);
      isTooLong = false;
    }
    if (held.length > longestLine) {
      if (!isTooLong) onLine(held.slice(0, longestLine));
      isTooLong = true;
      held = '';
    }
  });
  stream.on('end', () => {
    if (held !== '' && !isTooLong) onLine(held);
    held = '';
  });
}
