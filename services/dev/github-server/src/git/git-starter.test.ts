import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initBareRepository } from './bare-repository.ts';
import { startGitElsewhere, tryGit } from './run-git.ts';

test('git that a shell starts answers as git that is started here, whatever the words hold', async () => {
  const gitDir = join(mkdtempSync(join(tmpdir(), "codexk8s-it's-")), 'one.git');
  await initBareRepository(gitDir, 'main');
  const commands = [
    { args: ['hash-object', '--stdin'], input: Buffer.from([0, 255, 10, 39]) },
    { args: ['rev-parse', '--verify', '--quiet', "it's $(touch broken); `id` \n&"], input: undefined },
    { args: ['no-such-command'], input: undefined },
  ];
  const ask = () => Promise.all(commands.map(({ args, input }) => tryGit(gitDir, args, { ...(input && { input }) })));

  const here = await ask();
  using _elsewhere = startGitElsewhere();
  const elsewhere = await ask();

  expect(elsewhere).toEqual(here);
  expect(here.map(({ code }) => code === 0)).toEqual([true, false, false]);
  rmSync(join(gitDir, '..'), { recursive: true });
});

test('of the processes that ended none is left, however many there were', async () => {
  const gitDir = join(mkdtempSync(join(tmpdir(), 'codexk8s-many-')), 'one.git');
  await initBareRepository(gitDir, 'main');
  using _elsewhere = startGitElsewhere();

  await Promise.all(Array.from({ length: 40 }, () => tryGit(gitDir, ['rev-parse', '--git-dir'])));

  expect(zombiesOfShells()).toBe(0);
  rmSync(join(gitDir, '..'), { recursive: true });
});

/** Of the shells that this process has started. */
function zombiesOfShells(): number {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  const processes = all.map((line) => line.trim().split(/\s+/) as [string, string, string]); // three of three
  const shells = new Set(processes.filter(([, parent]) => parent === String(process.pid)).map(([pid]) => pid));
  return processes.filter(([, parent, state]) => shells.has(parent) && state.startsWith('Z')).length;
}
