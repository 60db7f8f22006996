import type { FlowEvent } from '@codex-k8s/contracts/staff';

type Payload = FlowEvent['payload'];

function str(payload: Payload, name: string): string {
  const value = payload[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function short(payload: Payload, name: string): string {
  return str(payload, name).slice(0, 12);
}

function reportSummary({ report }: Payload): string {
  const summary = typeof report === 'object' && report !== null && 'summary' in report ? String(report.summary) : '';
  return summary.split('\n', 1)[0] ?? '';
}

function confirmation({ confirmed, checks }: Payload): string {
  const count = Array.isArray(checks) ? checks.length : 0;
  return confirmed === true ? `GitHub confirms the delivery (${count} checks)` : 'GitHub does not confirm the delivery';
}

function commits(payload: Payload): string {
  return str(payload, 'commits') === '1' ? '1 commit' : `${str(payload, 'commits')} commits`;
}

/** What a person wants to read while a run goes on; the other types are for the record. */
const words: Readonly<Record<string, (payload: Payload) => string>> = {
  'run.enqueued': (payload) => `queued for agent ${str(payload, 'agent_key')}`,
  'run.attempt.lost': (payload) => `attempt ${str(payload, 'attempt')} was lost`,
  'run.postponed': (payload) => `tried again later: ${str(payload, 'message')}`,
  'run.started': (payload) => (str(payload, 'attempt') === '1' ? 'started' : `started, attempt ${str(payload, 'attempt')}`),
  'run.agent.started': (payload) =>
    `agent ${str(payload, 'program')} with model ${str(payload, 'model')} on branch ${str(payload, 'branch')}`,
  'run.workspace.prepared': (payload) => `workspace checked out at ${short(payload, 'head_sha')}`,
  'run.agent.session.restored': () => 'session restored',
  'run.agent.status_reported': (payload) => `agent: ${str(payload, 'status')}`,
  'run.report.submitted': (payload) => `report: ${reportSummary(payload)}`,
  'run.branch.pushed': (payload) => `pushed ${commits(payload)} to ${str(payload, 'branch')} (${short(payload, 'head_sha')})`,
  'run.pr.created': (payload) => `pull request #${str(payload, 'pr_number')} opened`,
  'run.pr.updated': (payload) => `pull request #${str(payload, 'pr_number')} updated`,
  'run.delivery.verified': confirmation,
  'run.review.posted': (payload) => `review posted: ${str(payload, 'verdict').replaceAll('_', ' ')}, findings: ${str(payload, 'findings')}`,
  'run.namespace.prepared': (payload) => `namespace ${str(payload, 'namespace')} is ready`,
  'run.cluster.event': (payload) => `cluster: ${str(payload, 'reason')}: ${str(payload, 'message')}`,
  'run.toolchain.gap_detected': () => 'a tool was missing',
  'run.wait.paused': (payload) => (str(payload, 'wait_state') === 'owner_review' ? 'waits for the owner' : 'waits for a decision'),
  'run.wait.resumed': () => 'goes on',
  'run.succeeded': () => 'succeeded',
  'run.failed': (payload) => `failed: ${str(payload, 'failure_code') || str(payload, 'code')}`,
  'run.failed.precondition': () => 'could not start as configured',
  'run.canceled': () => 'cancelled',
  'approval.requested': (payload) => `asks for a decision: ${str(payload, 'action').replaceAll('_', ' ')}`,
  'approval.applied': () => 'decision applied',
  'approval.denied': () => 'request denied',
  'stage.next.offered': (payload) => `next step on offer: ${str(payload, 'label')}`,
};

/** Undefined: nothing a person waits for. */
export function eventWords({ event_type: type, payload }: Pick<FlowEvent, 'event_type' | 'payload'>): string | undefined {
  return words[type]?.(payload);
}
