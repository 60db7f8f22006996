/**
 * Starting a process here copies this process's page tables and waits until the new one has begun, and nothing else runs meanwhile: 34 ms on a
 * busy machine. Git is therefore started by a shell, which reads one line per command; files carry what goes in and out.
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

export function startGitStarter(): GitStarter {
  const folder = mkdtempSync(join(tmpdir(), 'codexk8s-git-'));
  const shell = spawn('sh', [], { stdio: ['pipe', 'pipe', 'inherit'], cwd: folder });
  const waiting = new Map<number, PromiseWithResolvers<number>>();
  let lastId = 0;
  createInterface(shell.stdout).on('line', (line) => {
    const [id, code] = line.split(' ').map(Number);
    waiting.get(id ?? 0)?.resolve(code ?? 1);
    waiting.delete(id ?? 0);
  });
  shell.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the shell that starts git has ended'));
  });
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
      const ended = Promise.withResolvers<number>();
      waiting.set(id, ended);
      shell.stdin.write(
        `{ cd ${quoted(gitDir)} && ${command} <${source} >${quoted(outPath)} 2>${quoted(errorPath)}; echo "${id} $?"; } &\n`,
      );
      const code = await ended.promise;
      const [stdout, stderr] = await Promise.all([readFile(outPath), readFile(errorPath, 'utf8')]);
      await Promise.all([inPath, outPath, errorPath].map((path) => rm(path, { force: true })));
      return { code, stdout, stderr };
    },
    [Symbol.dispose]() {
      shell.stdin.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whatever it holds is one word to the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
