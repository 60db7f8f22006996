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
