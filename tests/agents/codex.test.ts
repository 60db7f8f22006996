import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { aHarness, aPrompt, gitToken, type Harness, markedProcesses, modelKey, until } from '../agents-local/harness.ts';

const codexPath = fileURLToPath(new URL('node_modules/@openai/codex/bin/codex.js', import.meta.url));
const withCodex = { program: 'codex', env: { CODEXK8S_CODEX_PATH: codexPath } } as const;

function setTask({ platform }: Harness, body: string): void {
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt(body) };
}

function nextAttempt({ platform }: Harness, fields: Partial<NonNullable<Harness['platform']['spec']>> = {}): void {
  const { spec } = platform;
  const last = platform.sessions.at(-1);
  if (!spec || !last?.session_id || !last.snapshot) throw new Error('there was no attempt');
  const session = { run_id: spec.run_id, turns: last.turns, session_id: last.session_id, snapshot: last.snapshot };
  platform.spec = { ...spec, attempt: spec.attempt + 1, session, ...fields };
}

/** How often the prompt stands in what the model would be told. */
function prompts({ platform }: Harness): number {
  const lines = (platform.sessions.at(-1)?.snapshot ?? '').split('\n').filter((line) => line.includes('"type":"response_item"'));
  return lines.filter((line) => line.includes('"role":"user"') && line.includes('Task: work')).length;
}

test('codex does the issue, asks the owner, commits, reports, and the runner pushes', async () => {
  await using harness = await aHarness(withCodex);
  const { platform } = harness;
  platform.pendingAnswers = 1;
  const steps = ['file path=hello.txt\nhello', 'sh\nnosuchtool', 'sh\nenv | sort > env.txt; exit 0', 'ask Which?\noptions: red | blue'];
  setTask(harness, steps.map((step) => `\`\`\`${step}\n\`\`\``).join('\n\n'));

  const code = await harness.start().exited;

  expect(code).toBe(0);
  expect(platform.results).toMatchObject([{ outcome: 'delivered', commits: 1, usage: { input_tokens: expect.any(Number) } }]);
  expect(harness.git('show', 'codex/issue-7:hello.txt')).toBe('hello');
  expect(platform.questions).toHaveLength(2);
  expect(JSON.stringify(platform.reports)).toContain('the answer was \\"blue\\"');
  expect(platform.sessions.at(-1)).toMatchObject({
    program: 'codex',
    turns: 1,
    resume_outcome: 'fresh',
    usage: platform.results[0]?.usage,
  });
  expect(platform.events.find(({ event_type }) => event_type === 'run.toolchain.gap_detected')).toMatchObject({
    payload: { tool_gaps: ['nosuchtool'] },
  });
  const toolEnvironment = harness.git('show', 'codex/issue-7:env.txt');
  expect(toolEnvironment).toContain(`CODEXK8S_RUN_ID=${platform.spec?.run_id}`);
  expect([platform.token, modelKey, gitToken].filter((secret) => toolEnvironment.includes(secret))).toEqual([]);
});

test('after kill -9 codex goes on in the same thread, and the prompt is said once', async () => {
  await using harness = await aHarness(withCodex);
  const { platform } = harness;
  setTask(
    harness,
    `\`\`\`file path=a\na\n\`\`\`\n\`\`\`sh\nmkdir ${harness.folder}/once 2>/dev/null && sleep 60\necho ran >> ran.txt\n\`\`\``,
  );
  const runner = harness.start();
  await until('the slow step', () => existsSync(join(harness.folder, 'once')));
  await until('a snapshot', () => platform.sessions.some(({ snapshot }) => snapshot?.includes('mkdir') ?? false));
  const agent = JSON.parse(readFileSync(join(harness.runDir, 'agent.json'), 'utf8')) as { pid: number }; // written by the runner
  runner.child.kill('SIGKILL');
  process.kill(-agent.pid, 'SIGKILL');
  await runner.exited;
  const thread = platform.sessions.at(-1)?.session_id;
  nextAttempt(harness);

  const code = await harness.start().exited;

  expect([code, platform.results.length, platform.results[0]?.outcome]).toEqual([0, 1, 'delivered']);
  expect(platform.sessions.at(-1)).toMatchObject({ session_id: thread, resume_outcome: 'resumed' });
  expect(prompts(harness)).toBe(1);
  expect(harness.git('show', 'codex/issue-7:ran.txt')).toBe('ran');
});

test('in another place codex goes on from the snapshot, knowing that its workspace is gone', async () => {
  await using harness = await aHarness(withCodex);
  const { platform } = harness;
  setTask(
    harness,
    `\`\`\`file path=a\na\n\`\`\`\n\`\`\`sh\nmkdir ${harness.folder}/once 2>/dev/null && sleep 60\necho ran >> ran.txt\n\`\`\``,
  );
  const runner = harness.start();
  await until('the slow step', () => existsSync(join(harness.folder, 'once')));
  await until('a snapshot', () => platform.sessions.some(({ snapshot }) => snapshot?.includes('mkdir') ?? false));
  runner.child.kill('SIGTERM');
  expect(await runner.exited).toBe(143);
  const thread = platform.sessions.at(-1)?.session_id;
  nextAttempt(harness);

  await harness.start({ CODEXK8S_RUN_DIR: join(harness.folder, 'elsewhere') }).exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(platform.sessions.at(-1)).toMatchObject({ session_id: thread, resume_outcome: 'rebuilt' });
  expect(prompts(harness)).toBe(1);
  expect(harness.git('show', 'codex/issue-7:a')).toBe('a');
});

test('a cancelled run leaves no process of codex behind', async () => {
  await using harness = await aHarness(withCodex);
  const { platform } = harness;
  setTask(harness, `\`\`\`sh\nsetsid sleep 300 &\ntouch ${harness.folder}/there\nsleep 300\n\`\`\``);
  const runner = harness.start();
  await until('the command', () => existsSync(join(harness.folder, 'there')));

  platform.goesOn = false;

  expect(await runner.exited).toBe(3);
  expect(markedProcesses(platform.spec?.run_id ?? '')).toEqual([]);
  expect(platform.results).toEqual([]);
});

test.each([
  ['fail\nToo hard.', 'run.report_missing', /Too hard/],
  ['fail crash\n', 'run.agent_crashed', /./],
  ['fail invalid-report\nx', 'run.report_invalid', /must not be empty/],
  ['fail model 401\n', 'run.model_unauthorized', /401/],
])('%j ends as %s', async (block, code, message) => {
  await using harness = await aHarness(withCodex);
  setTask(harness, `\`\`\`${block}\n\`\`\``);

  await harness.start().exited;

  expect(harness.platform.results).toMatchObject([
    { outcome: 'failed', failure_code: code, failure_message: expect.stringMatching(message) },
  ]);
});
