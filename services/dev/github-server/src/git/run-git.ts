import { spawn } from 'node:child_process';
import { executableSearchPath } from '../config.ts';
import { startGitStarter, type GitResult, type GitStarter } from './git-starter.ts';

/** Git as if on an empty machine: no system or user configuration, no prompts, data directories of any owner. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
  GIT_CONFIG_KEY_1: 'core.quotePath',
  GIT_CONFIG_VALUE_1: 'false',
  LC_ALL: 'C.UTF-8',
};

export interface GitOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

/** Of the whole process, since every function here takes a folder and nothing else. */
let starter: GitStarter | undefined;

/** Until it is disposed of, git is started by a shell; see git-starter.ts. */
export function startGitElsewhere(): Disposable {
  const own = startGitStarter();
  starter = own;
  return {
    [Symbol.dispose]() {
      if (starter === own) starter = undefined;
      own[Symbol.dispose]();
    },
  };
}

/** Runs git in a bare repository and answers whatever its exit code is; rejects only when git cannot be started. */
export function tryGit(gitDir: string, args: readonly string[], { input = '', env: more }: GitOptions = {}): Promise<GitResult> {
  const env = { PATH: executableSearchPath(), HOME: gitDir, GIT_DIR: gitDir, ...gitEnvironment, ...more };
  if (starter) return starter.run({ gitDir, args, env, input });
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd: gitDir, env, stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined); // git may end before it has read everything
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code: code ?? 1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') }),
    );
    child.stdin.end(input);
  });
}

/** Standard output as text; throws when git fails. */
export async function git(gitDir: string, args: readonly string[], options?: GitOptions): Promise<string> {
  const result = await tryGit(gitDir, args, options);
  if (result.code !== 0) throw new Error(`git ${args[0]} failed (${result.code}): ${result.stderr.trim()}`);
  return result.stdout.toString('utf8');
}
