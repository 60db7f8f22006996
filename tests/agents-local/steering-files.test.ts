import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { aHarness, aPrompt, type Harness } from './harness.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const branch = 'codex/issue-7';

/** main has three files that steer agents; the branch changed one, deleted one and added two, besides its real work. */
async function aSteeredBranch(): Promise<Harness> {
  const harness = await aHarness();
  harness.commit('main', { 'AGENTS.md': 'base rules\n', 'CLAUDE.md': 'base claude\n', '.codex/config.toml': 'base = true\n' });
  harness.commit(branch, {
    'AGENTS.md': 'hostile rules\n',
    'CLAUDE.md': undefined,
    'docs/AGENTS.md': 'hostile docs\n',
    '.mcp.json': '{"hostile":true}\n',
    'work.txt': 'real work\n',
  });
  return harness;
}

const look = 'cat AGENTS.md CLAUDE.md .codex/config.toml work.txt; ls -A . docs; git status --porcelain';

function rework({ platform }: Harness, steps: string): void {
  const prompt = aPrompt('', { kind: 'revise', feedback: steps });
  if (platform.spec) platform.spec = { ...platform.spec, kind: 'revise', prompt };
}

test.concurrent('a rework reads the steering files of the base branch, and delivers those of neither', async () => {
  await using harness = await aSteeredBranch();
  const before = harness.git('rev-parse', branch);
  rework(harness, `\`\`\`sh\n${look}\n\`\`\`\n\n\`\`\`file path=more.txt\nmore\n\`\`\``);

  await harness.start().exited;

  const { platform } = harness;
  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  const log = platform.lines().join('\n');
  expect(log).toContain('tool: base rules\ntool: base claude\ntool: base = true\ntool: real work');
  expect(log).not.toMatch(/hostile|tool: [.]mcp[.]json|tool: [ MD?]{2} /);
  expect(log).toContain('runner: As main has them, not the branch: .mcp.json, docs/AGENTS.md, AGENTS.md, CLAUDE.md.');
  expect(harness.git('diff', '--name-status', before, branch)).toBe('A\tmore.txt');
});

test.concurrent('a steering file that the agent itself changes is delivered, for the owner to see', async () => {
  await using harness = await aSteeredBranch();
  const before = harness.git('rev-parse', branch);
  rework(harness, '```file path=AGENTS.md\nnew rules\n```\n\n```sh\nrm CLAUDE.md\n```');

  await harness.start().exited;

  expect(harness.platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(harness.git('diff', '--name-status', before, branch)).toBe('M\tAGENTS.md');
  expect(harness.git('show', `${branch}:AGENTS.md`)).toBe('new rules');
  expect(harness.platform.lines().join('\n')).toContain('the runner committed it: AGENTS.md.');
});

test.concurrent('a reviewer is not steered by what it reviews, and still sees it in the diff', async () => {
  await using harness = await aSteeredBranch();
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, kind: 'review', prompt: aPrompt('', { kind: 'review' }) };

  await harness.start().exited;

  const git = (...args: string[]): string => execFileSync('git', args, { cwd: join(harness.runDir, 'workspace'), encoding: 'utf8' }).trim();
  expect(platform.results).toMatchObject([{ outcome: 'reviewed' }]);
  expect(execFileSync('cat', ['AGENTS.md', 'CLAUDE.md'], { cwd: join(harness.runDir, 'workspace'), encoding: 'utf8' })).toBe(
    'base rules\nbase claude\n',
  );
  expect(git('diff', '--name-only', 'origin/main...HEAD', '--', 'AGENTS.md', '.mcp.json')).toBe('.mcp.json\nAGENTS.md');
});

test.concurrent('a link in the branch does not lead a steering file out of the workspace', async () => {
  await using harness = await aHarness();
  harness.commit('main', { 'tools/.codex/config.toml': 'base\n' });
  const outside = join(harness.folder, 'outside');
  execFileSync('mkdir', [outside]);
  const seed = join(harness.folder, 'seed');
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@x', ...args], { cwd: seed, encoding: 'utf8', stdio: 'pipe' });
  git('checkout', '-q', '-B', branch, 'main');
  git('rm', '-rq', 'tools');
  execFileSync('ln', ['-s', outside, 'tools'], { cwd: seed });
  git('add', '--all');
  git('commit', '-qm', 'Link');
  git('push', '-q', 'origin', branch);
  rework(harness, '```file path=more.txt\nmore\n```');

  await harness.start().exited;

  expect(harness.platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(execFileSync('ls', ['-A', outside], { encoding: 'utf8' })).toBe('');
});
