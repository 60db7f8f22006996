import { expect, test } from 'vitest';
import { decideLabelTrigger, type LabelTriggerInput } from './label-trigger.ts';
import { createLabels } from './labels.ts';

const labels = createLabels();

function aTrigger(change: Partial<LabelTriggerInput> = {}): LabelTriggerInput {
  return {
    labels,
    addedLabel: 'run:dev',
    issueLabels: ['run:dev'],
    isOpen: true,
    sender: { login: 'ann', isBot: false, hasGrant: false, user: { isPlatformAdmin: false, isPlatformOwner: false, role: 'read_write' } },
    hasActiveRun: false,
    stageRecord: undefined,
    allowDirectDev: true,
    ...change,
  };
}

test('a member with read_write starts the dev stage', () => {
  expect(decideLabelTrigger(aTrigger())).toMatchObject({ start: { stage: 'dev', kind: 'dev' }, allowedBy: 'project_member_read_write' });
});

test.each([
  ['a label that is no trigger', { addedLabel: 'bug' }, 'issue_event_not_trigger_label'],
  ['an unknown run label', { addedLabel: 'run:lunch' }, 'issue_event_not_trigger_label'],
  ['a bot', { sender: { login: 'bot', isBot: true, hasGrant: false } }, 'sender_type_bot_not_permitted'],
  ['an unknown login', { sender: { login: 'eve', isBot: false, hasGrant: false } }, 'sender_not_allowed'],
  [
    'a stranger to the project',
    { sender: { login: 'bob', isBot: false, hasGrant: false, user: { isPlatformAdmin: false, isPlatformOwner: false, role: undefined } } },
    'sender_not_project_member',
  ],
  [
    'a reader',
    { sender: { login: 'bob', isBot: false, hasGrant: false, user: { isPlatformAdmin: false, isPlatformOwner: false, role: 'read' } } },
    'sender_role_not_permitted',
  ],
  ['a closed issue', { isOpen: false }, 'issue_closed'],
  ['two trigger labels', { issueLabels: ['run:dev', 'run:qa'] }, 'issue_trigger_label_conflict'],
  ['a blocked issue', { issueLabels: ['run:dev', 'state:blocked'] }, 'stage_blocked'],
  ['an open question', { issueLabels: ['run:dev', 'need:input'] }, 'stage_input_pending'],
  ['an active run', { hasActiveRun: true }, 'active_run_exists'],
  ['a stage that is not built', { addedLabel: 'run:qa', issueLabels: ['run:qa'] }, 'stage_not_available'],
  ['direct dev that the project forbids', { allowDirectDev: false }, 'stage_transition_not_allowed'],
  ['dev again while in review', { stageRecord: { stage: 'dev', status: 'in_review', prNumber: 3 } }, 'stage_transition_not_allowed'],
  ['revise without history', { addedLabel: 'run:dev:revise', issueLabels: ['run:dev:revise'] }, 'pull_request_missing'],
  [
    'revise without a pull request',
    { addedLabel: 'run:dev:revise', issueLabels: [], stageRecord: { stage: 'dev', status: 'failed', prNumber: undefined } },
    'pull_request_missing',
  ],
] as const)('%s is refused', (_, change, reason) => {
  expect(decideLabelTrigger(aTrigger(change))).toMatchObject({ refuse: reason });
});

test('a bot with an approved request for exactly this label starts the run', () => {
  const decision = decideLabelTrigger(aTrigger({ sender: { login: 'codex-bot', isBot: true, hasGrant: true } }));

  expect(decision).toMatchObject({ start: { kind: 'dev' }, allowedBy: 'approved_label_request' });
});

test('revise continues a stage in review and reopens an approved one', () => {
  for (const status of ['in_review', 'approved', 'failed'] as const) {
    const decision = decideLabelTrigger(
      aTrigger({ addedLabel: 'run:dev:revise', issueLabels: ['run:dev:revise'], stageRecord: { stage: 'dev', status, prNumber: 7 } }),
    );

    expect(decision).toMatchObject({ start: { kind: 'dev_revise', isRevise: true } });
  }
});

test('a failed stage may be started again', () => {
  expect(decideLabelTrigger(aTrigger({ stageRecord: { stage: 'dev', status: 'failed', prNumber: undefined } }))).toMatchObject({
    start: { kind: 'dev' },
  });
});

test('a renamed label is the trigger and the old text is not', () => {
  const renamed = createLabels({ CODEXK8S_RUN_DEV_LABEL: 'ai: build it' });

  expect(decideLabelTrigger(aTrigger({ labels: renamed, addedLabel: 'AI: Build it', issueLabels: [] }))).toMatchObject({
    start: { kind: 'dev' },
  });
  expect(decideLabelTrigger(aTrigger({ labels: renamed, addedLabel: 'run:dev' }))).toMatchObject({
    refuse: 'issue_event_not_trigger_label',
  });
});
