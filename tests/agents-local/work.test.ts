import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { serveGit } from './git-over-http.ts';
import { aHarness, aPrompt, gitToken, modelKey } from './harness.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const fakeAgent = { env: { CODEXK8S_TRIAL_AGENT_PATH: fileURLToPath(new URL('fake-agent.mjs', import.meta.url)) } };

test.concurrent('an issue becomes a pushed branch with its file, a report and an acknowledged result', async () => {
  await using harness = await aHarness();
  const { platform } = harness;

  const code = await harness.start().exited;

  expect(code).toBe(0);
  expect(platform.results).toEqual([
    {
      outcome: 'delivered',
      branch: 'codex/issue-7',
      head_sha: harness.git('rev-parse', 'codex/issue-7'),
      base_sha: harness.git('rev-parse', 'main'),
      commits: 1,
      exit_code: 0,
      usage: { model: 'scripted', input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    },
  ]);
  expect(harness.git('show', 'codex/issue-7:hello.txt')).toBe('hello');
  expect(harness.git('log', '-1', '--format=%an <%ae> %s', 'codex/issue-7')).toBe('codex-bot <bot@example.test> Say hello (#7)');
  expect(platform.reports).toMatchObject([{ pr_title: 'Say hello (#7)' }]);
  expect(platform.events.map(({ event_type }) => event_type).sort()).toEqual([
    'run.agent.ready',
    'run.agent.session.saved',
    'run.agent.session.saved',
    'run.agent.started',
    'run.agent.turn.completed',
    'run.branch.pushed',
    'run.workspace.prepared',
  ]);
  expect(platform.sessions.at(-1)).toMatchObject({ program: 'trial', turns: 1, resume_outcome: 'fresh' });
  expect(platform.logs.map(({ seq }) => seq)).toEqual(platform.logs.map((_, index) => index + 1));
});

test.concurrent('a question is answered, a failing step and a missing tool are told, and no secret leaves', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  platform.pendingAnswers = 1;
  const spill = `echo ${gitToken}; printf %s ${gitToken} | base64 -w0; echo; echo "key ${modelKey}"; env; git config --list; exit 3`;
  const body = `\`\`\`sh\n${spill}\n\`\`\`\n\`\`\`sh\nnosuchtool\n\`\`\`\n\`\`\`file path="a b/it's.txt"\n$HOME \`x\` 'EOF'\nEOF\n\`\`\`\n\`\`\`ask Which colour?\noptions: red | blue\n\`\`\``;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt(body) };

  const runner = harness.start();
  const code = await runner.exited;

  expect([code, platform.results[0]?.outcome]).toEqual([0, 'delivered']);
  expect(harness.git('show', "codex/issue-7:a b/it's.txt")).toBe("$HOME `x` 'EOF'\nEOF");
  expect(platform.questions).toHaveLength(2);
  expect(JSON.stringify(platform.reports)).toContain('the answer was \\"blue\\"');
  expect(JSON.stringify(platform.reports)).toContain('exit code 3');
  expect(platform.events.at(-1)).toMatchObject({
    event_type: 'run.toolchain.gap_detected',
    payload: { tool_gaps: ['nosuchtool'], sources: ['agent_output'] },
  });
  const emitted = JSON.stringify([platform.events, platform.logs, platform.sessions, platform.results]) + runner.stderr();
  const secrets = [gitToken, modelKey, platform.token];
  const forms = secrets.flatMap((secret) => [
    secret,
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ]);
  expect(forms.filter((form) => emitted.includes(form))).toEqual([]);
  expect(emitted).toContain('[REDACTED]');
  expect(readFileSync(`${harness.runDir}/workspace/.git/config`, 'utf8')).not.toContain(gitToken);
  expect(platform.lines().join('\n')).not.toContain('CODEXK8S_RUN_TOKEN=');
});

test.concurrent('an agent that cannot commit but left work has it committed by the runner, openly', async () => {
  await using harness = await aHarness(fakeAgent);
  const { platform } = harness;

  await harness.start().exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered', commits: 1 }]);
  expect(harness.git('log', '-1', '--format=%s', 'codex/issue-7')).toBe('Commit the uncommitted work of Developer for #7');
  expect(platform.lines()).toContain('runner: The agent left 1 change(s) uncommitted and made no commit; the runner committed them.');
  expect(platform.events.at(-1)).toMatchObject({
    event_type: 'run.toolchain.gap_detected',
    payload: { tool_gaps: ['protoc'], sources: ['report.tool_gaps'] },
  });
});

test("nothing in the workspace's own git configuration can steer the push", async () => {
  await using harness = await aHarness(fakeAgent);
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: 'steers-git\n' };

  await harness.start().exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(harness.git('show', 'codex/issue-7:left.txt')).toBe('left');
});

test.concurrent('an agent that prints 100 MB costs neither memory nor log, and the gap is told', async () => {
  await using harness = await aHarness(fakeAgent);
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: 'floods\n' };
  let peakKb = 0;
  const runner = harness.start();
  const watch = setInterval(() => {
    const status = runner.child.exitCode === null ? readFileSync(`/proc/${runner.child.pid}/status`, 'utf8') : '';
    peakKb = Math.max(peakKb, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0));
  }, 50);

  await runner.exited;
  clearInterval(watch);

  const bytes = platform.lines().reduce((sum, line) => sum + line.length, 0);
  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(bytes).toBeLessThan(12 * 1024 * 1024);
  expect(bytes).toBeGreaterThan(9 * 1024 * 1024);
  expect(platform.lines().at(-1)).toMatch(/^runner: The log of this run is full: \d{8,} bytes were left out\.$/);
  expect(peakKb).toBeLessThan(400_000); // 275,000 to 365,000 were seen, most of it garbage
});

test.concurrent('the token opens the remote over HTTP and stands in no address, file or log', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  await using remote = await serveGit(harness.folder, 'codex-bot', gitToken);
  if (platform.spec) platform.spec = { ...platform.spec, repository: { full_name: 'o/r', clone_url: `${remote.url}/origin.git` } };

  const runner = harness.start();
  await runner.exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(remote.refused.length).toBeGreaterThan(0);
  const found = spawnSync('grep', ['-rlF', gitToken, harness.runDir], { encoding: 'utf8' }).stdout;
  expect(found).toBe('');
  expect(runner.stderr() + JSON.stringify([platform.logs, platform.events, platform.results])).not.toContain(gitToken);
});

test.concurrent('a token that the host refuses is told as such', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  await using remote = await serveGit(harness.folder, 'codex-bot', 'another');
  if (platform.spec) platform.spec = { ...platform.spec, repository: { full_name: 'o/r', clone_url: `${remote.url}/origin.git` } };

  await harness.start().exited;

  expect(platform.results).toMatchObject([{ outcome: 'failed', failure_code: 'github.unauthorized' }]);
});

test.concurrent('revise continues the branch of the pull request with the steps of the review', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  await harness.start().exited;
  const first = harness.git('rev-parse', 'codex/issue-7');
  const prompt = aPrompt('```sh\nexit 1\n```', { kind: 'revise', feedback: 'Please:\n\n```file path=hello.txt\nhello again\n```' });
  if (platform.spec) platform.spec = { ...platform.spec, run_id: crypto.randomUUID(), kind: 'revise', pr_number: 1, prompt };

  await harness.start({ CODEXK8S_RUN_DIR: `${harness.folder}/second` }).exited;

  expect(platform.results[1]).toMatchObject({ outcome: 'delivered', commits: 2 });
  expect(harness.git('show', 'codex/issue-7:hello.txt')).toBe('hello again');
  expect(harness.git('rev-parse', 'codex/issue-7~1')).toBe(first);
});

test.concurrent('a review reads the real diff, reports findings and pushes nothing', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt('```file path=x.ts\n// TODO later\n```') };
  await harness.start().exited;
  const before = harness.git('for-each-ref');
  if (platform.spec)
    platform.spec = { ...platform.spec, run_id: crypto.randomUUID(), kind: 'review', prompt: aPrompt('', { kind: 'review' }) };

  await harness.start({ CODEXK8S_RUN_DIR: `${harness.folder}/second` }).exited;

  expect(platform.results[1]).toMatchObject({ outcome: 'reviewed' });
  expect(platform.results[1]).not.toHaveProperty('branch');
  expect(platform.reports[1]).toEqual({
    summary: 'Read 1 commit(s): 1 file(s), 1 line(s) added, 0 removed.\n1 finding(s): 1 warning.',
    verdict: 'comment',
    findings: [{ path: 'x.ts', line: 1, severity: 'warning', message: 'An open point was left in the code.' }],
  });
  expect(harness.git('for-each-ref')).toBe(before);
});
