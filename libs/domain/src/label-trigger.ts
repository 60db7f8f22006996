/**
 * The rule behind a trigger label: given what is known when the delivery is read, under the lock of its issue, start a run or say why not
 * (reference §2.7 steps 5-10, §3.5). Pure; the order of the questions is the order of the reference.
 */
import type { Labels, Trigger } from './labels.ts';
import type { ProjectRole } from './roles.ts';
import { roleIncludes } from './roles.ts';
import type { Stage } from './stages.ts';

export const refusalReasons = [
  'issue_event_not_trigger_label',
  'issue_trigger_label_conflict',
  'issue_closed',
  'sender_type_bot_not_permitted',
  'sender_not_allowed',
  'sender_not_project_member',
  'sender_role_not_permitted',
  'stage_not_available',
  'stage_blocked',
  'stage_input_pending',
  'active_run_exists',
  'stage_transition_not_allowed',
  'pull_request_missing',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** What people hear of a refusal on the issue, and whether the refused label is taken off again (reference §3.5). */
export const refusalAnswers = {
  issue_event_not_trigger_label: { comment: false, removeLabel: false },
  issue_trigger_label_conflict: { comment: true, removeLabel: false },
  issue_closed: { comment: true, removeLabel: false },
  sender_type_bot_not_permitted: { comment: true, removeLabel: false },
  sender_not_allowed: { comment: true, removeLabel: false },
  sender_not_project_member: { comment: true, removeLabel: false },
  sender_role_not_permitted: { comment: true, removeLabel: false },
  stage_not_available: { comment: true, removeLabel: true },
  stage_blocked: { comment: true, removeLabel: false },
  stage_input_pending: { comment: true, removeLabel: false },
  active_run_exists: { comment: true, removeLabel: true },
  stage_transition_not_allowed: { comment: true, removeLabel: true },
  pull_request_missing: { comment: true, removeLabel: true },
} as const satisfies Record<RefusalReason, { comment: boolean; removeLabel: boolean }>;

/** Who set the label, as far as the platform knows the login. */
export interface TriggerSender {
  readonly login: string;
  readonly isBot: boolean;
  /** Undefined: no user of the platform has this login. */
  readonly user?: { readonly isPlatformAdmin: boolean; readonly isPlatformOwner: boolean; readonly role: ProjectRole | undefined };
  /** A person approved exactly this label on this issue, and the approval has not been used. */
  readonly hasGrant: boolean;
}

export interface StageRecord {
  readonly stage: Stage;
  readonly status: 'in_progress' | 'in_review' | 'approved' | 'superseded' | 'abandoned' | 'failed';
  readonly prNumber: number | undefined;
}

export interface LabelTriggerInput {
  readonly labels: Labels;
  readonly addedLabel: string;
  readonly issueLabels: readonly string[];
  readonly isOpen: boolean;
  readonly sender: TriggerSender;
  readonly hasActiveRun: boolean;
  readonly stageRecord: StageRecord | undefined;
  readonly allowDirectDev: boolean;
}

export type TriggerDecision =
  | { readonly start: Trigger; readonly allowedBy: string }
  | { readonly refuse: RefusalReason; readonly trigger?: Trigger; readonly conflicting?: readonly string[] };

export function decideLabelTrigger(input: LabelTriggerInput): TriggerDecision {
  const { labels, addedLabel, issueLabels, isOpen, sender, hasActiveRun, stageRecord } = input;
  const trigger = labels.triggerOf(addedLabel);
  if (!trigger) return { refuse: 'issue_event_not_trigger_label' };
  const permission = permitSender(sender);
  if ('refuse' in permission) return { ...permission, trigger };
  if (!isOpen) return { refuse: 'issue_closed', trigger };
  const present = new Set([addedLabel, ...issueLabels].filter((text) => labels.triggerOf(text) !== undefined));
  if (present.size > 1) return { refuse: 'issue_trigger_label_conflict', trigger, conflicting: [...present].toSorted() };
  if (issueLabels.includes(labels.text('state:blocked'))) return { refuse: 'stage_blocked', trigger };
  if (issueLabels.includes(labels.text('need:input')) && !trigger.isRevise) return { refuse: 'stage_input_pending', trigger };
  if (hasActiveRun) return { refuse: 'active_run_exists', trigger };
  if (!trigger.executable) return { refuse: 'stage_not_available', trigger };
  const refusal = refuseTransition(trigger, stageRecord, input.allowDirectDev);
  return refusal ? { refuse: refusal, trigger } : { start: trigger, allowedBy: permission.allowedBy };
}

export function permitSender({ isBot, user, hasGrant }: TriggerSender): { allowedBy: string } | { refuse: RefusalReason } {
  if (hasGrant) return { allowedBy: 'approved_label_request' };
  if (isBot) return { refuse: 'sender_type_bot_not_permitted' };
  if (!user) return { refuse: 'sender_not_allowed' };
  if (user.isPlatformOwner) return { allowedBy: 'platform_owner' };
  if (user.isPlatformAdmin) return { allowedBy: 'platform_admin' };
  if (!user.role) return { refuse: 'sender_not_project_member' };
  if (!roleIncludes(user.role, 'read_write')) return { refuse: 'sender_role_not_permitted' };
  return { allowedBy: `project_member_${user.role}` };
}

/** The column of the transition matrix (reference §3.5) for the recorded stage; undefined means allowed. */
function refuseTransition(trigger: Trigger, record: StageRecord | undefined, allowDirectDev: boolean): RefusalReason | undefined {
  if (!record) {
    if (trigger.isRevise) return 'pull_request_missing';
    return trigger.stage === 'dev' && !allowDirectDev ? 'stage_transition_not_allowed' : undefined;
  }
  if (record.stage !== trigger.stage) return 'stage_transition_not_allowed';
  if (trigger.isRevise) return record.prNumber === undefined ? 'pull_request_missing' : refuseRevise(record.status);
  switch (record.status) {
    case 'in_progress':
    case 'failed':
      return undefined; // in_progress without an active run: the run was cancelled
    case 'in_review':
    case 'approved':
    case 'superseded':
    case 'abandoned':
      return 'stage_transition_not_allowed';
  }
}

function refuseRevise(status: StageRecord['status']): RefusalReason | undefined {
  return status === 'superseded' || status === 'abandoned' ? 'stage_transition_not_allowed' : undefined;
}
