import type { FlowEvent, RunDetails } from '@codex-k8s/contracts/staff';
import { isFinal } from '@codex-k8s/domain';

export const stepNames = ['queued', 'started', 'workspace', 'agent', 'pushed', 'verified', 'review', 'done'] as const;
export type StepName = (typeof stepNames)[number];

/** `skipped`: the run ended without it. */
export type StepState = 'done' | 'current' | 'waiting' | 'failed' | 'skipped' | 'todo';

export interface Step {
  readonly name: StepName;
  readonly state: StepState;
  readonly at?: string;
}

const stepEvents: Record<Exclude<StepName, 'done'>, readonly string[]> = {
  queued: ['run.enqueued'],
  started: ['run.started', 'run.attempt.started'],
  workspace: ['run.workspace.prepared'],
  agent: ['run.agent.started', 'run.agent.ready'],
  pushed: ['run.branch.pushed', 'run.pr.created', 'run.pr.updated', 'run.review.posted'],
  verified: [],
  review: [],
};

/** The moment each step was first reached, from the events on record and from what the run itself states. */
function reachedAt({ run, verification }: RunDetails, events: readonly FlowEvent[]): Partial<Record<StepName, string>> {
  const first = (types: readonly string[]): string | undefined => events.find((event) => types.includes(event.event_type))?.created_at;
  const review = events.find((event) => event.event_type === 'run.wait.paused' && JSON.stringify(event.payload).includes('owner_review'));
  const reached: Partial<Record<StepName, string | undefined>> = {
    queued: first(stepEvents.queued) ?? run.created_at,
    started: run.started_at ?? first(stepEvents.started),
    workspace: first(stepEvents.workspace),
    agent: first(stepEvents.agent),
    pushed: first(stepEvents.pushed),
    verified: verification?.confirmed ? verification.checked_at : undefined,
    review: review?.created_at ?? (run.status === 'waiting_owner_review' ? run.wait_since : undefined),
    done: run.finished_at,
  };
  return Object.fromEntries(Object.entries(reached).filter(([, at]) => at !== undefined));
}

/** The life of a run as steps. A step counts as done when it or a later one was reached: an event may be missing, progress may not. */
export function runSteps(details: RunDetails, events: readonly FlowEvent[]): Step[] {
  const { status } = details.run;
  const reached = reachedAt(details, events);
  const names = stepNames.slice(0, -1);
  const last = names.findLastIndex((name) => reached[name] !== undefined);
  const final = isFinal(status);

  const steps = names.map((name, index): Step => {
    const at = reached[name];
    return { name, state: stepState(index, last, at !== undefined, details), ...(at && { at }) };
  });
  const end: Step = { name: 'done', state: endState(status, final), ...(reached.done && { at: reached.done }) };
  return [...steps, end];
}

function stepState(index: number, last: number, isReached: boolean, { run, verification }: RunDetails): StepState {
  const { status } = run;
  const name = stepNames[index];
  if (name === 'verified' && verification && !verification.confirmed) return 'failed';
  if (status === 'succeeded') return isReached || index <= last ? 'done' : 'skipped';
  if (isFinal(status)) {
    if (index < last) return isReached || name !== 'verified' ? 'done' : 'skipped';
    const failedLater = name === 'queued' || isSettled(name) || verification?.confirmed === false;
    return index === last ? (failedLater ? 'done' : 'failed') : 'skipped';
  }
  if (index < last) return 'done';
  if (index > last) return 'todo';
  if (status === 'waiting_mcp' || status === 'waiting_owner_review') return 'waiting';
  return 'current';
}

/** Steps that are complete in the moment they are reached: the run failed after them, not in them. */
function isSettled(name: StepName | undefined): boolean {
  return name === 'pushed' || name === 'verified';
}

function endState(status: RunDetails['run']['status'], final: boolean): StepState {
  if (status === 'succeeded') return 'done';
  return final ? 'failed' : 'todo';
}
