import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { AppError, saysDiskFull, type ErrorCode } from '@codex-k8s/domain';
import type { Secret } from '@codex-k8s/runtime';

/**
 * Git as the runner uses it. The agent can write into the workspace and its home, so nothing from there may steer a command that holds the
 * token: no hooks, no user or system configuration, no credential helper, and an askpass script of our own in a fresh folder. The token is
 * only in the environment of the one command that needs it, never in an address, an argument or a file.
 */
export interface Git {
  /** Runs git and returns the trimmed standard output. Throws AppError for a failure. */
  run(args: readonly string[], options?: GitOptions): Promise<string>;
  /** Runs git; a non-zero exit code is an answer. */
  try(args: readonly string[], options?: GitOptions): Promise<GitResult>;
}

export interface GitOptions {
  /** The workspace when absent. */
  readonly cwd?: string;
  /** The command talks to the remote and may use the token. */
  readonly remote?: boolean;
}

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitSettings {
  readonly workspace: string;
  readonly username: string;
  readonly token: Secret;
  /** What git itself needs of the runner's environment: PATH, proxies, certificates. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const safe = ['core.hooksPath=/dev/null', 'credential.helper=', 'core.fsmonitor=false', 'gc.auto=0', 'protocol.ext.allow=never'].flatMap(
  (setting) => ['-c', setting],
);

export function createGit({ workspace, username, token, env, signal }: GitSettings): Git {
  async function tryRun(args: readonly string[], { cwd = workspace, remote = false }: GitOptions = {}): Promise<GitResult> {
    signal.throwIfAborted();
    const folder = remote ? await mkdtemp(join(tmpdir(), 'codexk8s-git-')) : undefined;
    try {
      const secrets =
        folder === undefined
          ? {}
          : { GIT_ASKPASS: await askPass(folder), CODEXK8S_GIT_USERNAME: username, CODEXK8S_GIT_TOKEN: token.reveal() };
      const quiet = {
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_ASKPASS: '/bin/false',
        LC_ALL: 'C.UTF-8',
      };
      const child = spawn('git', [...safe, ...args], {
        cwd,
        env: { ...env, ...quiet, ...secrets },
        signal,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let endedBy: string | undefined;
      const exit = new Promise<number>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signalName) => {
          endedBy = signalName ?? undefined;
          resolve(code ?? 1);
        });
      });
      const [exitCode, stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
      return { exitCode, stdout, stderr: endedBy === undefined ? stderr : `${stderr}\ngit ended by ${endedBy}` };
    } finally {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    try: tryRun,
    run: async (args, options) => {
      const { exitCode, stdout, stderr } = await tryRun(args, options);
      if (exitCode !== 0) throw gitError(args[0] ?? '', stderr);
      return stdout.trim();
    },
  };
}

async function askPass(folder: string): Promise<string> {
  const path = join(folder, 'askpass.sh');
  const script = `#!/bin/sh\ncase "$1" in\n[Uu]sername*) printf '%s\\n' "$CODEXK8S_GIT_USERNAME" ;;\n*) printf '%s\\n' "$CODEXK8S_GIT_TOKEN" ;;\nesac\n`;
  await writeFile(path, script, { mode: 0o700 });
  return path;
}

/** First match decides. */
const failures: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/authentication failed|could not read (?:username|password)|invalid credentials|error: 401/i, 'github.unauthorized'],
  // What the other side says of its own disk is a refusal, so this comes before ours.
  [/\[(?:remote )?rejected\]|protected branch|pre-receive hook declined|non-fast-forward/i, 'github.push_rejected'],
  [/file too large|died of signal 25/i, 'run.disk_full'],
  [/error: 403|permission to .* denied|write access to repository not granted/i, 'github.forbidden'],
  [/error: 429|rate limit/i, 'github.rate_limited'],
  [/repository .*not found|does not appear to be a git repository|error: 404|couldn't find remote ref|does not exist/i, 'github.not_found'],
  [
    /could not resolve host|failed to connect|connection (?:refused|reset|timed out)|timed out|error: 5\d\d|hung up|early eof|unable to access|couldn't connect/i,
    'github.unavailable',
  ],
];

/** A git failure as a code; the message is git's own, not yet redacted. */
export function gitError(command: string, stderr: string): AppError {
  const code = failures.find(([pattern]) => pattern.test(stderr))?.[1] ?? (saysDiskFull(stderr) ? 'run.disk_full' : 'run.runner_failed');
  return new AppError(code, `git ${command} failed: ${stderr.trim().slice(-1500)}`);
}
