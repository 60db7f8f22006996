import { expect, test } from 'vitest';
import { planTurn, type TurnPlanInput } from './turn-plan.ts';

const prompt = 'Task: work\nDo it.';

function plan(input: Partial<TurnPlanInput>) {
  return planTurn({
    spec: { kind: 'work', prompt, target_branch: 'codex/issue-7' },
    session: undefined,
    hadSession: false,
    isWorkspaceReused: true,
    headSha: 'a'.repeat(40),
    continueText: 'go on',
    normalise: (text) => text,
    ...input,
  });
}

const session = (said: readonly string[], isTurnComplete = false) => ({ said, isTurnComplete, usage: undefined });

test('without a session the prompt is said, and a session that cannot be used is lost', () => {
  expect(plan({})).toEqual({ isNeeded: true, resumesSession: false, say: prompt, outcome: 'fresh' });
  expect(plan({ hadSession: true })).toMatchObject({ resumesSession: false, say: prompt, outcome: 'lost' });
});

test('a prompt that the session holds is not said again, whatever was redacted in it', () => {
  const normalise = (text: string): string => text.replaceAll('it', '[REDACTED]');

  expect(plan({ session: session(['Task: work\nDo [REDACTED].']), normalise })).toEqual({
    isNeeded: true,
    resumesSession: true,
    say: 'go on',
    outcome: 'resumed',
  });
});

test("another run's session hears this run's prompt as its next turn", () => {
  expect(plan({ session: session(['Task: work\nAnother.'], true), isWorkspaceReused: false })).toEqual({
    isNeeded: true,
    resumesSession: true,
    say: prompt,
    outcome: 'resumed',
  });
});

test('a turn that is over is only delivered', () => {
  expect(plan({ session: session([prompt], true) })).toMatchObject({ isNeeded: false });
});

test('an agent whose workspace is gone is told so, and a reviewer, who has none to lose, is not', () => {
  const rebuilt = plan({ session: session([prompt]), isWorkspaceReused: false });

  expect(rebuilt).toMatchObject({ isNeeded: true, resumesSession: true, outcome: 'rebuilt' });
  expect(rebuilt.say).toMatch(/^Workspace: rebuilt\n[\s\S]*codex\/issue-7 at aaaaaaaaaaaa/);
  expect(
    plan({ session: session([prompt]), isWorkspaceReused: false, spec: { kind: 'review', prompt, target_branch: 'x' } }),
  ).toMatchObject({ outcome: 'resumed', say: 'go on' });
});
