import { expect, test } from 'vitest';
import { anEvent, aRun, aRunDetails, at } from '../testing/builders.ts';
import { runSpans } from './run-spans.ts';
import { runSteps, type StepState } from './run-steps.ts';

function states(...given: Parameters<typeof runSteps>): Record<string, StepState> {
  return Object.fromEntries(runSteps(...given).map(({ name, state }) => [name, state]));
}

test('a pending run is in the queue', () => {
  expect(states(aRunDetails({ status: 'pending', started_at: undefined }), [])).toMatchObject({
    queued: 'current',
    started: 'todo',
    done: 'todo',
  });
});

test('a step counts as done when a later one was reached', () => {
  const found = states(aRunDetails(), [anEvent(4, 'run.agent.started')]);

  expect(found).toMatchObject({ queued: 'done', started: 'done', workspace: 'done', agent: 'current', pushed: 'todo' });
});

test('a run in owner review waits there', () => {
  const found = states(aRunDetails({ status: 'waiting_owner_review', wait_since: at(5) }), [anEvent(7, 'run.branch.pushed')]);

  expect(found).toMatchObject({ pushed: 'done', review: 'waiting', done: 'todo' });
});

test('a delivery that the host does not confirm is a failed step', () => {
  const verification = { confirmed: false, checked_at: at(1), checks: [] };
  const found = states(aRunDetails({ status: 'failed', finished_at: at(0) }, { verification }), [
    anEvent(4, 'run.agent.started'),
    anEvent(7, 'run.branch.pushed'),
  ]);

  expect(found).toMatchObject({ pushed: 'done', verified: 'failed', review: 'skipped', done: 'failed' });
});

test('when nothing was pushed it is the verification that failed, not the agent', () => {
  const verification = { confirmed: false, checked_at: at(1), checks: [] };
  const found = states(aRunDetails({ status: 'failed', finished_at: at(0) }, { verification }), [anEvent(4, 'run.agent.started')]);

  expect(found).toMatchObject({ agent: 'done', pushed: 'skipped', verified: 'failed' });
});

test('a run that succeeded without review skips that step', () => {
  const verification = { confirmed: true, checked_at: at(1), checks: [] };

  expect(states(aRunDetails({ status: 'succeeded', finished_at: at(0) }, { verification }), [])).toMatchObject({
    verified: 'done',
    review: 'skipped',
    done: 'done',
  });
});

test('spans pair the events that open and close them', () => {
  const events = [
    anEvent(1, 'run.enqueued', { created_at: at(100) }),
    anEvent(2, 'run.started', { created_at: at(90) }),
    anEvent(3, 'mcp.tool.called', { created_at: at(50), payload: { tool_name: 'submit_result' } }),
    anEvent(4, 'mcp.tool.failed', { created_at: at(48) }),
  ];

  const spans = runSpans(events, aRun());

  expect(spans.map(({ kind, detail, start, end }) => ({ kind, detail, ms: end && end - start }))).toEqual([
    { kind: 'queue', detail: undefined, ms: 10_000 },
    { kind: 'prepare', detail: undefined, ms: undefined },
    { kind: 'tool', detail: 'submit_result', ms: 2_000 },
  ]);
});
