import {
  mdiAlertCircle,
  mdiCancel,
  mdiCheckCircle,
  mdiClockAlert,
  mdiClockOutline,
  mdiHandBackRightOutline,
  mdiProgressWrench,
  mdiAccountClock,
} from '@mdi/js';
import { runStatuses, waitingStatuses, type RunStatus } from '@codex-k8s/domain';

export type Tone = 'neutral' | 'info' | 'success' | 'warning' | 'error';

export const statusLook: Record<RunStatus, { readonly icon: string; readonly tone: Tone }> = {
  pending: { icon: mdiClockOutline, tone: 'neutral' },
  running: { icon: mdiProgressWrench, tone: 'info' },
  waiting_mcp: { icon: mdiHandBackRightOutline, tone: 'warning' },
  waiting_owner_review: { icon: mdiAccountClock, tone: 'warning' },
  succeeded: { icon: mdiCheckCircle, tone: 'success' },
  failed: { icon: mdiAlertCircle, tone: 'error' },
  timed_out: { icon: mdiClockAlert, tone: 'error' },
  cancelled: { icon: mdiCancel, tone: 'neutral' },
};

/** The filter's buttons: what a person asks for, not the eight statuses one by one. */
export const statusGroups = {
  active: ['pending', 'running'],
  waiting: waitingStatuses,
  succeeded: ['succeeded'],
  failed: ['failed', 'timed_out'],
  cancelled: ['cancelled'],
} as const satisfies Record<string, readonly RunStatus[]>;
export type StatusGroup = keyof typeof statusGroups;

export function isRunStatus(value: unknown): value is RunStatus {
  return (runStatuses as readonly unknown[]).includes(value);
}
