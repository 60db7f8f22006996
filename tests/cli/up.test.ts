import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { bin, codexk8s, processesOf, until, type Command } from './command.ts';

let folder: string;
let started: Command[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-up-'));
});

afterEach(async () => {
  for (const { child, ended } of started) {
    child.kill('SIGTERM');
    await ended;
  }
  started = [];
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(args: readonly string[]): Command {
  const command = codexk8s(args, { cwd: folder });
  started.push(command);
  return command;
}

async function run(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { stdout, stderr, ended } = codexk8s(args, { cwd: folder });
  const code = await ended;
  return { code, stdout: stdout(), stderr: stderr() };
}

async function startUp(): Promise<Command> {
  const command = start(['up', '--json', '--port', '0']);
  await until(() => command.stdout().includes('\n') || command.child.exitCode !== null, { within: 45_000, what: command.stderr });
  return command;
}

async function stopUp(
  { child, ended }: Command,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; withinLimit: boolean; left: number[] }> {
  const askedAt = Date.now();
  child.kill(signal);
  const code = await ended;
  return { code, withinLimit: Date.now() - askedAt < 5_000, left: processesOf(folder) };
}

/** It may be at work again, so only what never changes. */
function idsIn({ stdout }: { stdout: string }): string[] {
  const { items } = JSON.parse(stdout) as { items: { id: string }[] }; // the contract's page of runs
  return items.map(({ id }) => id);
}

const stopped = { code: 0, withinLimit: true, left: [] };

test(
  'up serves, hands over its connection, stops a busy agent with itself, and starts again on the same folder, also from a backup',
  { timeout: 120_000 },
  async () => {
    const up = await startUp();
    const connection = join(folder, '.codexk8s', 'cli.json');
    const { console_url: consoleUrl } = JSON.parse(up.stdout()) as { console_url: string }; // the one line that up --json prints
    expect((await fetch(new URL('/', consoleUrl))).headers.get('content-type')).toContain('text/html');
    expect(statSync(connection).mode & 0o777).toBe(0o600);

    const second = await run(['up', '--json', '--port', '0']);
    expect({ code: second.code, error: (JSON.parse(second.stderr) as { code: string }).code }).toEqual({
      code: 5,
      error: 'database.locked',
    });
    expect(readFileSync(connection, 'utf8')).toContain('admin_token'); // the refused start left it alone
    expect((await run(['up', '--json', '--reset'])).code).toBe(5);

    expect(await run(['issues', 'label', '1', 'run:dev'])).toMatchObject({ code: 0, stdout: expect.stringContaining('run:dev') });
    await until(() => processesOf(join(folder, '.codexk8s', 'runs')).length > 0, { within: 10_000, what: () => 'no agent' });
    expect(await stopUp(up, 'SIGINT')).toEqual(stopped);
    expect(existsSync(connection)).toBe(false);
    expect((await run(['runs', 'list'])).code).toBe(3);

    const again = await startUp();
    const runs = await run(['runs', 'list', '--json']);
    expect(JSON.parse(runs.stdout)).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ issue_number: 1 })]) });
    expect((await run(['runs', 'show', '00000000-0000-4000-8000-000000000000'])).code).toBe(4);
    expect(await run(['backup', 'b.tgz', '--json'])).toMatchObject({ code: 5, stderr: expect.stringContaining('database.locked') });
    again.child.kill('SIGTERM'); // a terminal and a parent may both send it
    expect(await stopUp(again, 'SIGTERM')).toEqual(stopped);

    expect((await run(['backup', 'b.tgz'])).code).toBe(0);
    expect(statSync(join(folder, 'b.tgz')).mode & 0o777).toBe(0o600);
    expect(await run(['restore', 'b.tgz'])).toMatchObject({ code: 1, stderr: expect.stringContaining('not empty') });
    rmSync(join(folder, '.codexk8s'), { recursive: true });
    expect((await run(['restore', 'b.tgz'])).code).toBe(0);
    const restored = await startUp();
    expect(idsIn(await run(['runs', 'list', '--json']))).toEqual(expect.arrayContaining(idsIn(runs))); // a review may have begun since
    expect(await stopUp(restored, 'SIGTERM')).toEqual(stopped);
    expect(await run(['restore', 'absent.tgz', '--data-dir', 'other'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no file'),
    });
  },
);

test('a killed command takes its platform with it', { timeout: 60_000 }, async () => {
  const up = await startUp();

  up.child.kill('SIGKILL');
  await up.ended;

  await until(() => processesOf(folder).length === 0, { within: 6_000, what: () => `left: ${processesOf(folder).join(' ')}` });
});

test('a platform that npm started ends with a killed npm', { timeout: 60_000 }, async () => {
  const npm = spawn('sh', ['-c', '"$0" "$@"; exit', process.execPath, bin, 'up', '--json', '--port', '0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(npm.stdout, 'data');

  npm.kill('SIGKILL');

  await until(() => processesOf(folder).length === 0, { within: 6_000, what: () => `left: ${processesOf(folder).join(' ')}` });
});
