import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { outputWindow } from './output-window.ts';
import { runShell, scrubbed, ShellArguments } from './shell-tool.ts';

const options = { cwd: tmpdir(), env: { PATH: process.env['PATH'], SEEN: 'yes' }, signal: new AbortController().signal };
const run = (command: string, timeout_seconds?: number) => runShell(ShellArguments.parse({ command, timeout_seconds }), options);

/** A zombie that nobody has reaped yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('exit code and both outputs are returned', async () => {
  expect(await run('echo out; echo err >&2; exit 3')).toMatchObject({
    exitCode: 3,
    output: 'out\nerr\n',
    text: expect.stringMatching(/^Exit code: 3\nWall time: .* s\nOutput:\nout\nerr\n$/),
  });
  expect((await run('kill -9 $$')).exitCode).toBe(137);
});

test('a command is stopped at its time limit with everything in its group', async () => {
  const { exitCode, output, text } = await run('sleep 100 & echo $!; wait', 0.3);

  expect(exitCode).toBe(124);
  expect(text).toContain('Stopped after 0.3 s.');
  expect(isAlive(Number(output.trim()))).toBe(false);
});

test('an abort kills the command', async () => {
  const started = Date.now();

  await expect(runShell(ShellArguments.parse({ command: 'sleep 100' }), { ...options, signal: AbortSignal.timeout(100) })).rejects.toThrow(
    /abort/,
  );
  expect(Date.now() - started).toBeLessThan(20_000);
});

test('a background process does not hold up the answer', async () => {
  expect((await run('sleep 5 & echo started')).output).toBe('started\n');
});

test('a long output keeps its beginning and its end', async () => {
  const { output } = await run('seq 1 200000');

  expect(output.length).toBeLessThan(50_000);
  expect(output).toMatch(/^1\n2\n[\s\S]*bytes omitted[\s\S]*199999\n200000\n$/);
});

test('nothing is left out of an output that fits', () => {
  const window = outputWindow(4, 4);
  for (const part of ['ab', 'cd', 'ef', 'gh']) window.add(Buffer.from(part));
  expect(window.text()).toBe('abcdefgh');
  window.add(Buffer.from('i'));
  expect(window.text()).toBe('abcd\n[… 1 bytes omitted …]\nfghi');
});

test('secrets do not reach a command, the marks of the run do', () => {
  const env = {
    PATH: '/bin',
    CODEXK8S_RUN_TOKEN: 'a',
    CODEXK8S_MODEL_API_KEY: 'b',
    GITHUB_TOKEN: 'c',
    OPENAI_API_KEY: 'd',
    DB_PASSWORD: 'e',
    CODEXK8S_RUN_ID: 'r',
  };

  expect(scrubbed(env)).toEqual({ PATH: '/bin', CODEXK8S_RUN_ID: 'r' });
});
