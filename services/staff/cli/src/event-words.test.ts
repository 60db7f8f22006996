import { flowEventTypes } from '@codex-k8s/domain';
import { expect, test } from 'vitest';
import { eventWords } from './event-words.ts';

test('every event type can be shown whatever its payload holds', () => {
  for (const type of flowEventTypes) expect(eventWords({ event_type: type, payload: { report: 7, checks: 'x' } })).not.toBe('');
});

test.each([
  [
    'run.branch.pushed',
    { commits: 1, branch: 'codex/issue-4', head_sha: '0123456789abcdef' },
    'pushed 1 commit to codex/issue-4 (0123456789ab)',
  ],
  ['run.delivery.verified', { confirmed: true, checks: [1, 2] }, 'GitHub confirms the delivery (2 checks)'],
  ['run.delivery.verified', { confirmed: false, checks: [] }, 'GitHub does not confirm the delivery'],
  ['run.wait.paused', { wait_state: 'owner_review' }, 'waits for the owner'],
  ['mcp.tool.called', {}, undefined],
  ['of.a.newer.platform', {}, undefined],
])('%s %j reads %j', (type, payload, expected) => {
  expect(eventWords({ event_type: type, payload })).toBe(expected);
});
