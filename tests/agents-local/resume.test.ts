import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { aHarness, aPrompt, type Harness, markedProcesses, until } from './harness.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** Slow when it runs for the first time only. */
function slowOnce(harness: Harness): string {
  return `\`\`\`file path=first.txt\nfirst\n\`\`\`\n\n\`\`\`sh\nmkdir ${harness.folder}/once 2>/dev/null && sleep 60\necho ran >> ran.txt\n\`\`\``;
}

async function interrupted(harness: Harness, signal: NodeJS.Signals): Promise<number> {
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt(slowOnce(harness)) };
  const runner = harness.start();
  await until('the slow step', () => existsSync(join(harness.folder, 'once')));
  await until('a snapshot of it', () => platform.sessions.some(({ snapshot }) => snapshot?.includes('mkdir') ?? false));
  const agent = JSON.parse(readFileSync(join(harness.runDir, 'agent.json'), 'utf8')) as { pid: number }; // written by the runner
  runner.child.kill(signal);
  if (signal === 'SIGKILL') process.kill(agent.pid, 'SIGKILL');
  return runner.exited;
}

/** Makes the spec of the next attempt, as the control plane would. */
function nextAttempt({ platform }: Harness, fields: Partial<NonNullable<Harness['platform']['spec']>> = {}): void {
  const { spec } = platform;
  const last = platform.sessions.at(-1);
  if (!spec || !last) throw new Error('there was no attempt');
  const session = {
    run_id: spec.run_id,
    turns: last.turns,
    ...(last.session_id && { session_id: last.session_id }),
    ...(last.snapshot && { snapshot: last.snapshot }),
  };
  platform.spec = { ...spec, attempt: spec.attempt + 1, session, ...fields };
}

function prompts({ platform }: Harness): number {
  return (platform.sessions.at(-1)?.snapshot ?? '').split('Task: work').length - 1;
}

test.concurrent('after kill -9 the next attempt goes on in the same session, and the prompt is said once', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  await interrupted(harness, 'SIGKILL');
  const sessionId = platform.sessions.at(-1)?.session_id;
  nextAttempt(harness);

  const code = await harness.start().exited;

  expect([code, platform.results.length, platform.results[0]?.outcome]).toEqual([0, 1, 'delivered']);
  expect(platform.sessions.at(-1)).toMatchObject({ session_id: sessionId, resume_outcome: 'resumed', turns: 1 });
  expect(prompts(harness)).toBe(1);
  expect(platform.sessions.at(-1)?.snapshot).toContain('aborted: the agent was interrupted');
  expect(platform.events.filter(({ event_type }) => event_type === 'run.agent.session.restored')).toMatchObject([
    { payload: { outcome: 'resumed' } },
  ]);
  expect(harness.git('show', 'codex/issue-7:ran.txt')).toBe('ran');
  expect(markedProcesses(platform.spec?.run_id ?? '')).toEqual([]);
});

test.concurrent('in another place the session goes on, knowing that its workspace is gone', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  await interrupted(harness, 'SIGKILL');
  nextAttempt(harness);

  await harness.start({ CODEXK8S_RUN_DIR: join(harness.folder, 'elsewhere') }).exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(platform.sessions.at(-1)).toMatchObject({ resume_outcome: 'rebuilt', turns: 2 });
  expect(prompts(harness)).toBe(1);
  expect(harness.git('show', 'codex/issue-7:first.txt')).toBe('first');
});

test.concurrent('SIGTERM stops the agent, saves the session and reports nothing', async () => {
  await using harness = await aHarness();
  const { platform } = harness;

  const code = await interrupted(harness, 'SIGTERM');

  expect(code).toBe(143);
  expect(platform.results).toEqual([]);
  expect(markedProcesses(platform.spec?.run_id ?? '')).toEqual([]);
  expect(existsSync(join(harness.runDir, 'agent.json'))).toBe(false);
  nextAttempt(harness);
  await harness.start().exited;
  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(prompts(harness)).toBe(1);
});

test.concurrent('a run that follows another continues its session with its own prompt', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  await harness.start().exited;
  const prompt = aPrompt('```file path=next.txt\nnext\n```', { kind: 'revise', feedback: '```file path=next.txt\nnext\n```' });
  nextAttempt(harness, { run_id: randomUUID(), kind: 'revise', prompt, attempt: 1 });

  await harness.start({ CODEXK8S_RUN_DIR: join(harness.folder, 'second') }).exited;

  const sessionId = platform.sessions.find(({ snapshot }) => snapshot !== undefined)?.session_id;
  expect(platform.results[1]).toMatchObject({ outcome: 'delivered', commits: 2 });
  expect(platform.sessions.at(-1)).toMatchObject({ resume_outcome: 'resumed', turns: 2, session_id: sessionId });
});

test.concurrent('an agent that was stopped while it waited asks again after its resume and hears the answer', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  platform.pendingAnswers = 1000;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt('```ask Which?\n```\n```file path=a\na\n```') };
  const runner = harness.start();
  await until('the question', () => platform.questions.length > 0);
  await until('a snapshot of it', () => platform.sessions.some(({ snapshot }) => snapshot?.includes('approval_required') ?? false));
  runner.child.kill('SIGTERM');
  await runner.exited;
  Object.assign(platform, { pendingAnswers: 0, answer: 'green' });
  nextAttempt(harness);

  await harness.start().exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(JSON.stringify(platform.reports)).toContain('the answer was \\"green\\"');
  expect(prompts(harness)).toBe(1);
});

test.concurrent('a turn that was over before the kill is delivered without asking the agent again', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  await harness.start().exited;
  const [before] = platform.results;
  nextAttempt(harness);

  await harness.start({ CODEXK8S_MODEL_BASE_URL: 'http://127.0.0.1:1/v1' }).exited;

  expect(platform.results[1]).toMatchObject({ outcome: 'delivered', head_sha: before?.head_sha });
});

test.concurrent('a session that cannot be read is lost, and is said to be', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  if (platform.spec)
    platform.spec = { ...platform.spec, session: { run_id: platform.spec.run_id, turns: 1, session_id: 'x', snapshot: 'rubbish\n' } };

  await harness.start().exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(platform.sessions.at(-1)).toMatchObject({ resume_outcome: 'lost' });
  expect(platform.events.find(({ event_type }) => event_type === 'run.agent.session.restored')).toMatchObject({
    payload: { outcome: 'lost' },
  });
});

test.concurrent('the platform can end an attempt, and nothing of it stays: not even what left its process group', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  const body = `\`\`\`sh\nsetsid sleep 300 &\ntouch ${harness.folder}/there\nsleep 300\n\`\`\``;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt(body) };
  const runner = harness.start();
  await until('the command', () => existsSync(join(harness.folder, 'there')));
  expect(markedProcesses(platform.spec?.run_id ?? '').length).toBeGreaterThan(3);

  platform.goesOn = false;
  const code = await runner.exited;

  expect(code).toBe(3);
  expect(markedProcesses(platform.spec?.run_id ?? '')).toEqual([]);
  expect(platform.results).toEqual([]);
});

test.concurrent('a superseded attempt ends itself', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt('```hang model\n```') };
  const runner = harness.start();
  await until('the agent', () => existsSync(join(harness.runDir, 'agent.json')));

  platform.isSuperseded = true;

  expect(await runner.exited).toBe(3);
  expect(markedProcesses(platform.spec?.run_id ?? '')).toEqual([]);
});

test.concurrent('an absent control plane delays the log and the result but loses nothing of them', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  if (platform.spec)
    platform.spec = {
      ...platform.spec,
      prompt: aPrompt('```sh\nfor n in $(seq 1 4000); do echo line-$n; done\n```\n```sleep 1\n```\n```file path=a\na\n```'),
    };
  const runner = harness.start();
  await until('the agent', () => existsSync(join(harness.runDir, 'agent.json')));

  platform.isAway = true;
  await until('the end of the turn', () => !existsSync(join(harness.runDir, 'agent.json')));
  platform.isAway = false;
  await runner.exited;

  expect(platform.results).toMatchObject([{ outcome: 'delivered' }]);
  expect(platform.lines().filter((line) => line.startsWith('tool: line-'))).toEqual(
    Array.from({ length: 4000 }, (_, index) => `tool: line-${index + 1}`),
  );
  const seqs = platform.logs.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  rmSync(harness.runDir, { recursive: true, force: true });
});

test.concurrent('a runner whose platform was removed, folder and all, ends itself and its agent', async () => {
  await using harness = await aHarness();
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, prompt: aPrompt('```sleep 300\n```') };
  const runner = harness.start();
  await until('the agent to be at work', () => platform.events.some(({ event_type }) => event_type === 'run.agent.ready'));

  platform.isAway = true;
  rmSync(harness.runDir, { recursive: true, force: true, maxRetries: 10 });

  expect(await runner.exited).toBe(3);
  expect(markedProcesses(platform.spec?.run_id ?? '')).toEqual([]);
});

test.concurrent('a runner whose platform was removed before it got its work order ends itself too', async () => {
  await using harness = await aHarness();
  harness.platform.isAway = true;
  const runner = harness.start();
  await until('the runner to be at work', () => existsSync(join(harness.runDir, 'runner.json')));

  rmSync(harness.runDir, { recursive: true, force: true, maxRetries: 10 });

  expect(await runner.exited).toBe(3);
});
