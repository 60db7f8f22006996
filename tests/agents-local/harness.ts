import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { RunSpec } from '@codex-k8s/contracts/internal';
import { fenceUntrusted } from '@codex-k8s/domain';
import { createLogger } from '@codex-k8s/runtime';
import { type ModelServer, startModelServer } from '../../services/dev/model-server/src/server.ts';
import { type FakePlatform, startFakePlatform } from './fake-platform.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const gitToken = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';
export const modelKey = 'sk-test-0123456789abcdefghij';

/** A real runner process with a scripted model, a fake control plane and a bare repository. */
export interface Harness extends AsyncDisposable {
  readonly platform: FakePlatform;
  readonly folder: string;
  readonly runDir: string;
  readonly bare: string;
  readonly model: ModelServer;
  /** Starts the runner; it is killed at the end of the test. */
  start(env?: Readonly<Record<string, string>>, limits?: DiskLimit): Runner;
  /** Pushes a commit with these files to a branch, from the base branch unless it is there; `undefined` deletes one. */
  commit(branch: string, files: Readonly<Record<string, string | undefined>>): void;
  git(...args: string[]): string;
}

export interface Runner {
  readonly child: ChildProcess;
  readonly exited: Promise<number>;
  stderr(): string;
}

/** `fileKb`: no file may grow larger (RLIMIT_FSIZE, EFBIG). `diskKb`: the run's folder is a file system of that size (ENOSPC). */
export type DiskLimit = { readonly fileKb: number } | { readonly diskKb: number };

/** A user may mount a small file system in a name space of its own, unless the machine forbids it. */
export const canMount =
  spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

function limited(limits: DiskLimit | undefined, runDir: string, command: readonly string[]): readonly string[] {
  if (!limits) return command;
  if ('fileKb' in limits) return ['bash', '-c', 'ulimit -f "$0" && exec "$@"', String(limits.fileKb), ...command];
  const mount = `mount -t tmpfs -o size=${limits.diskKb}k tmpfs "$0" && exec "$@"`;
  return ['unshare', '--user', '--map-root-user', '--mount', 'bash', '-c', mount, runDir, ...command];
}

export interface HarnessOptions {
  readonly program?: RunSpec['program'];
  readonly env?: Readonly<Record<string, string>>;
}

export async function aHarness({ program = 'trial', env: extra = {} }: HarnessOptions = {}): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), 'agents-local-'));
  const bare = join(folder, 'origin.git');
  const seed = join(folder, 'seed');
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@x', ...args], { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();
  git(folder, 'init', '-q', '--bare', '-b', 'main', bare);
  git(folder, 'clone', '-q', bare, seed);
  git(seed, 'checkout', '-q', '-B', 'main');
  writeFileSync(join(seed, 'README.md'), '# Demo\n');
  git(seed, 'add', '.');
  git(seed, 'commit', '-q', '-m', 'Begin');
  git(seed, 'push', '-q', 'origin', 'main');
  const log = createLogger({ service: 'test', level: 'silent' });
  const [platform, model] = await Promise.all([startFakePlatform(), startModelServer({ log })]);
  const runners: ChildProcess[] = [];
  const runDir = join(folder, 'run');
  platform.spec = aSpec({
    program,
    mcp_url: platform.mcpUrl,
    mcp_token: platform.token,
    repository: { full_name: 'o/r', clone_url: pathToFileURL(bare).href },
  });

  return {
    platform,
    folder,
    runDir,
    bare,
    model,
    git: (...args) => git(bare, ...args),
    commit: (branch, files) => {
      git(seed, 'fetch', '-q', 'origin');
      const isThere = git(seed, 'branch', '-r', '--list', `origin/${branch}`) !== '';
      git(seed, 'checkout', '-q', '-B', branch, isThere ? `origin/${branch}` : 'origin/main');
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(seed, path)), { recursive: true });
        if (content === undefined) rmSync(join(seed, path));
        else writeFileSync(join(seed, path), content);
      }
      git(seed, 'add', '--all');
      git(seed, 'commit', '-q', '-m', `Change ${branch}`);
      git(seed, 'push', '-q', 'origin', branch);
    },
    start: (env = {}, limits) => {
      const main = [process.execPath, join(root, 'services/jobs/agent-runner/src/main.ts')];
      mkdirSync(runDir, { recursive: true }); // the worker makes it; the runner knows it by that
      const [file = '', ...args] = limited(limits, runDir, main);
      const child = spawn(file, args, {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: folder,
          NODE_COMPILE_CACHE: join(tmpdir(), 'codexk8s-test-compile-cache'),
          CODEXK8S_RUN_ID: platform.spec?.run_id ?? '',
          CODEXK8S_CORRELATION_ID: 'c-1',
          CODEXK8S_CONTROL_PLANE_URL: platform.url,
          CODEXK8S_RUN_TOKEN: platform.token,
          CODEXK8S_RUN_DIR: runDir,
          CODEXK8S_MODEL_BASE_URL: `${model.url}/v1`,
          CODEXK8S_MODEL_API_KEY: modelKey,
          CODEXK8S_TRIAL_AGENT_PATH: join(root, 'services/dev/trial-agent/src/main.ts'),
          CODEXK8S_HEARTBEAT_SECONDS: '0.2',
          CODEXK8S_SNAPSHOT_SECONDS: '0.3',
          ...extra,
          ...env,
        },
      });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      child.stdout.resume();
      runners.push(child);
      return {
        child,
        exited: once(child, 'close').then(([code, signal]: unknown[]) => (typeof code === 'number' ? code : signal === null ? -1 : -2)),
        stderr: () => stderr,
      };
    },
    async [Symbol.asyncDispose]() {
      for (const child of runners) child.kill('SIGKILL');
      for (const pid of markedProcesses(platform.spec?.run_id ?? '')) process.kill(pid, 'SIGKILL');
      await Promise.all([platform.close(), model.close()]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export function aSpec(fields: Partial<RunSpec> = {}): RunSpec {
  return {
    run_id: randomUUID(),
    correlation_id: 'c-1',
    attempt: 1,
    kind: 'work',
    agent: { key: 'dev', name: 'Developer' },
    program: 'trial',
    model: 'scripted',
    reasoning_effort: 'medium',
    repository: { full_name: 'o/r', clone_url: '' },
    base_branch: 'main',
    target_branch: 'codex/issue-7',
    trigger_kind: 'dev',
    issue_number: 7,
    prompt: aPrompt('```file path=hello.txt\nhello\n```'),
    git: { username: 'codex-bot', email: 'bot@example.test', token: gitToken },
    mcp_url: '',
    mcp_token: '',
    ...fields,
  };
}

export function aPrompt(body: string, { kind = 'work', feedback }: { kind?: string; feedback?: string } = {}): string {
  const issue = fenceUntrusted({ kind: 'issue', text: `# Say hello\n\n${body}` });
  const review = feedback === undefined ? '' : `\n\n${fenceUntrusted({ kind: 'review', text: feedback })}`;
  return `Task: ${kind}\nIssue: #7\nBase: main\n\nDo what the issue says.\n\n${issue}${review}\n`;
}

/** Waits for a condition; the test's own time limit ends a wait in vain. */
export async function until(what: string, holds: () => boolean, withinMs = 45_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}

/** Processes that carry the run's id in their environment. */
export function markedProcesses(runId: string): number[] {
  const ids = execFileSync('ls', ['/proc'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => /^\d+$/.test(name));
  return ids.map(Number).filter((pid) => {
    try {
      return (
        pid !== process.pid &&
        existsSync(`/proc/${pid}/environ`) &&
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`CODEXK8S_RUN_ID=${runId}`)
      );
    } catch {
      return false;
    }
  });
}
