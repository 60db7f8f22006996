import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { isProblem } from './api.ts';
import { CliError } from './cli-error.ts';
import { parseJson } from './connection.ts';
import { exitOfStatus } from './exit-codes.ts';
import { paths } from './repository-paths.ts';
import { killRunProcesses } from './run-processes.ts';
import { errorCodes, isErrorCode } from '@codex-k8s/domain';

/** What the trial platform prints when it is ready; passed on whole by `up --json`. */
const ReadyLine = z.looseObject({
  console_url: z.string(),
  api_url: z.string(),
  github_url: z.string(),
  admin_token: z.string(),
  github_token: z.string(),
  pid: z.number(),
});
export type ReadyLine = z.infer<typeof ReadyLine>;

export interface PlatformProcess {
  /** Rejects when the platform ends before it is ready. */
  readonly ready: Promise<ReadyLine>;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it and what it started, in less than five seconds. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly dataDir: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Each line it writes to standard error, its log above all. */
  readonly onLog: (line: string) => void;
}

const gentleMs = 4_500;
/**
 * MiB for what was allocated just now. The default keeps tens of MiB for each of the platform's threads, as glibc does for each that allocates
 * (MALLOC_ARENA_MAX); an idle trial needs neither.
 */
const smallHeap = ['--max-semi-space-size=2'];

export function startPlatformProcess({ dataDir, args, environment, onLog }: StartOptions): PlatformProcess {
  const child = spawn(
    process.execPath,
    [...smallHeap, '--import', pathToFileURL(paths.endWithParent).href, paths.allInOne, ...args, '--data-dir', dataDir, '--json'],
    // A session of its own: Ctrl-C reaches this command only, which then stops the platform in order. The channel tells it when we are gone.
    { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { MALLOC_ARENA_MAX: '2', ...environment } },
  );
  const lastLines: string[] = [];
  const ended = untilEnd(child, (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    onLog(line);
  });
  let ownsFolder = false;
  const ready = Promise.race([readReadyLine(child), ended.then((): never => failStart(lastLines))]);
  ready.then(
    () => (ownsFolder = true),
    () => undefined, // whoever waits for it hears why
  );
  return {
    ready,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const graceful = await Promise.race([ended.then(() => true), sleep(gentleMs, false, { ref: false })]);
      if (!graceful) killGroup(child);
      await ended;
      // A start that was refused must not touch the agents of the platform that has the folder.
      if (ownsFolder || !graceful) killRunProcesses(dataDir);
    },
  };
}

async function untilEnd(child: ChildProcess, onLine: (line: string) => void): Promise<void> {
  if (child.stderr) createInterface({ input: child.stderr }).on('line', onLine);
  await once(child, 'close');
}

async function readReadyLine(child: ChildProcess): Promise<ReadyLine> {
  if (child.stdout) {
    for await (const line of createInterface({ input: child.stdout })) {
      const result = ReadyLine.safeParse(parseJson(line));
      if (result.success) return result.data;
    }
  }
  return new Promise<never>(() => undefined); // the end of the process says why
}

/** The last thing the platform said is its error object; anything else is a defect. */
function failStart(lines: readonly string[]): never {
  const problem = lines.map(parseJson).findLast(isProblem);
  if (!problem) {
    const message = `The platform ended before it was ready.${lines.length > 0 ? `\n${lines.join('\n')}` : ''}`;
    throw new CliError('failed', {
      code: 'internal',
      message,
      remedy: 'Run `codexk8s doctor`; start again with --log-level info to see more.',
    });
  }
  const status = isErrorCode(problem.code) ? errorCodes[problem.code].http : 500;
  throw new CliError(exitOfStatus(status), problem);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ended by itself meanwhile
  }
}
