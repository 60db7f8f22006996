import { expect, test } from 'vitest';
import { aHarness } from './harness.ts';

test('an issue becomes a pushed branch with its file, a report and an acknowledged result', async () => {
  await using harness = await aHarness();
  const { platform } = harness;

  const runner = harness.start();
  const code = await runner.exited;

  expect([code, platform.lines(), runner.stderr()]).toEqual([0, expect.anything(), expect.anything()]);
  const head = harness.git('rev-parse', 'codex/issue-7');
  expect(platform.results).toEqual([
    {
      outcome: 'delivered',
      branch: 'codex/issue-7',
      head_sha: head,
      base_sha: harness.git('rev-parse', 'main'),
      commits: 1,
      exit_code: 0,
      usage: { model: 'scripted', input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    },
  ]);
  expect(harness.git('show', 'codex/issue-7:hello.txt')).toBe('hello');
  expect(harness.git('log', '-1', '--format=%an <%ae> %s', 'codex/issue-7')).toBe('codex-bot <bot@example.test> Say hello (#7)');
  expect(platform.reports).toMatchObject([{ pr_title: 'Say hello (#7)' }]);
  expect(platform.events.map(({ event_type }) => event_type)).toEqual(
    expect.arrayContaining([
      'run.agent.started',
      'run.workspace.prepared',
      'run.agent.ready',
      'run.agent.turn.completed',
      'run.agent.session.saved',
      'run.branch.pushed',
    ]),
  );
  expect(platform.sessions.at(-1)).toMatchObject({ program: 'trial', turns: 1, resume_outcome: 'fresh' });
  expect(platform.logs.map(({ seq }) => seq)).toEqual(platform.logs.map((_, index) => index + 1));
});
