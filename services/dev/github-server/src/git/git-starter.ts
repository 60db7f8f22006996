/**
 * Starting a process here copies this process's page tables and waits until the new one has begun, and nothing else runs meanwhile: 34 ms on a
 * busy machine. Git is therefore started by shells, which read one line per command; files carry what goes in and out. Each runs one command at a
 * time: of those it sends to the background a shell never collects what has ended until it waits for all, and the process numbers of the machine run out.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface StartRequest {
  readonly gitDir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: string | Buffer;
}

export interface GitStarter extends Disposable {
  run(request: StartRequest): Promise<GitResult>;
}

/** Each command mostly waits for a core. */
const shellCount = 16;

export function startGitStarter(): GitStarter {
  const folder = mkdtempSync(join(tmpdir(), 'codexk8s-git-'));
  const shells = Array.from({ length: shellCount }, () => openShell(folder));
  let lastId = 0;
  return {
    run: async ({ gitDir, args, env, input }) => {
      lastId += 1;
      const id = lastId;
      const [inPath, outPath, errorPath] = ['in', 'out', 'error'].map((kind) => join(folder, `${id}-${kind}`)) as [string, string, string]; // three of three
      if (input.length > 0) await writeFile(inPath, input);
      const command = ['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'git', ...args]
        .map(quoted)
        .join(' ');
      const source = input.length > 0 ? quoted(inPath) : '/dev/null';
      const shell = shells.reduce((least, one) => (one.waiting < least.waiting ? one : least));
      const code = await shell.run(`cd ${quoted(gitDir)} && ${command} <${source} >${quoted(outPath)} 2>${quoted(errorPath)}`);
      const [stdout, stderr] = await Promise.all([readFile(outPath), readFile(errorPath, 'utf8')]);
      await Promise.all([inPath, outPath, errorPath].map((path) => rm(path, { force: true })));
      return { code, stdout, stderr };
    },
    [Symbol.dispose]() {
      for (const shell of shells) shell[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Shell extends Disposable {
  /** Commands it has not ended yet. */
  readonly waiting: number;
  /** Resolves to the exit code, after all that came before. */
  run(command: string): Promise<number>;
}

function openShell(folder: string): Shell {
  const shell = spawn('sh', [], { stdio: ['pipe', 'pipe', 'inherit'], cwd: folder });
  const waiting: PromiseWithResolvers<number>[] = [];
  createInterface(shell.stdout).on('line', (code) => waiting.shift()?.resolve(Number(code)));
  shell.on('exit', () => {
    for (const { reject } of waiting) reject(new Error('the shell that starts git has ended'));
  });
  return {
    get waiting() {
      return waiting.length;
    },
    run: async (command) => {
      const ended = Promise.withResolvers<number>();
      waiting.push(ended);
      shell.stdin.write(`${command}; echo $?\n`);
      return ended.promise;
    },
    [Symbol.dispose]() {
      shell.stdin.end();
    },
  };
}

/** Whatever it holds is one word to the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
