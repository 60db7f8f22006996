import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureProcess, listProcesses, logPath, runningPid, stopProcess, until } from './processes.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cluster-processes-'));
});

afterEach(async () => {
  for (const name of listProcesses(folder)) await stopProcess(folder, name);
  rmSync(folder, { recursive: true, force: true });
});

const sleeper = { name: 'sleeper', command: 'sleep', args: ['60'] } as const;

test('a process that runs is not started again, one with other arguments is replaced', async () => {
  await ensureProcess(folder, sleeper);
  const first = runningPid(folder, 'sleeper');
  await ensureProcess(folder, sleeper);
  const second = runningPid(folder, 'sleeper');
  await ensureProcess(folder, { ...sleeper, args: ['61'] });
  const third = runningPid(folder, 'sleeper');

  expect(first).toBeTypeOf('number');
  expect(second).toBe(first);
  expect(third).not.toBe(first);
});

test('a pid that belongs to somebody else by now is neither ours nor killed', async () => {
  await ensureProcess(folder, sleeper);
  const pid = runningPid(folder, 'sleeper');
  const path = join(folder, 'run/sleeper.json');
  const kept = readFileSync(path, 'utf8');
  writeFileSync(path, kept.replace(/"startedAt":"\d+"/, '"startedAt":"1"'));

  await stopProcess(folder, 'sleeper');

  expect(() => process.kill(pid ?? 0, 0)).not.toThrow();
  writeFileSync(path, kept); // so that it is ended after the test
});

test('a process that ends while it is waited for is named with the end of its log', async () => {
  await ensureProcess(folder, { name: 'broken', command: 'sh', args: ['-c', 'echo no such key; sleep 0.2; exit 1'] });

  const waiting = until('It answers', () => Promise.resolve(false), { folder, watched: ['broken'], withinMs: 5_000 });

  await expect(waiting).rejects.toMatchObject({ message: 'broken has ended:\nno such key', remedy: `Read ${logPath(folder, 'broken')}.` });
});

test('what cannot be started is named', async () => {
  await expect(ensureProcess(folder, { name: 'absent', command: '/nowhere/absent', args: [] })).rejects.toThrow(
    /absent could not be started/,
  );
});
