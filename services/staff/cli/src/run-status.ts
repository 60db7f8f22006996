import type { Run, RunStatus } from '@codex-k8s/contracts/staff';

const texts: Record<RunStatus, string> = {
  pending: 'queued',
  running: 'running',
  waiting_mcp: 'waits for a decision',
  waiting_owner_review: 'waits for review',
  succeeded: 'succeeded',
  failed: 'failed',
  timed_out: 'timed out',
  cancelled: 'cancelled',
};

const pendingTexts = {
  role_limit: "queued: the agent's limit",
  project_limit: "queued: the project's limit",
  retry_later: 'queued: before another try',
} as const;

export function statusText({ status, pending_reason: reason }: Pick<Run, 'status' | 'pending_reason'>): string {
  return status === 'pending' && reason !== undefined ? pendingTexts[reason] : texts[status];
}
