import { environmentLabel, partOfLabel, type ClusterProfile } from '@codex-k8s/domain';

/** The reserved words of the platform in a cluster (reference §5.3). Only what carries both managed labels is ever changed or deleted. */
export const labels = {
  managedBy: 'codex-k8s.dev/managed-by',
  purpose: 'codex-k8s.dev/namespace-purpose',
  runtimeMode: 'codex-k8s.dev/runtime-mode',
  projectId: 'codex-k8s.dev/project-id',
  runId: 'codex-k8s.dev/run-id',
  attempt: 'codex-k8s.dev/attempt',
  environment: environmentLabel,
  partOf: partOfLabel,
} as const;

export const correlationAnnotation = 'codex-k8s.dev/correlation-id';
export const manager = 'codex-k8s-worker';
export const managedLabels = { [labels.managedBy]: manager, [labels.purpose]: 'run' } as const;
export const runnerAccount = 'codex-runner';
export const kubeconfigMap = 'codex-kubeconfig';

/** `code-only`: the agent sees its repository. `full-env`: and a namespace of its own that it may use. */
export type RuntimeMode = 'code-only' | 'full-env';

/** Code-only runs of a project share a namespace. */
export function projectNamespace(prefix: string, projectId: string): string {
  return `${prefix}-${short(projectId)}`;
}

/** A full-env run has a namespace of its own; it is named after the run it was made for, and later runs of the issue may go on in it. */
export function runNamespace(
  prefix: string,
  { projectId, issueNumber, runId }: { projectId: string; issueNumber: number | null; runId: string },
): string {
  const issue = issueNumber === null ? '' : `-i${issueNumber}`;
  return `${prefix}-${short(projectId)}${issue}-r${short(runId)}`;
}

/** The ClusterRole of a profile, which the worker may bind and cannot change. */
export function profileRole(profile: ClusterProfile): string {
  return `codex-k8s-agent-${profile}`;
}

/** One Job per attempt, so that a late object of an older one is never taken for the newer. */
export function jobName({ runId, attempt }: { runId: string; attempt: number }): string {
  return `codex-k8s-run-${runId}-${attempt}`;
}

function short(id: string): string {
  return id.replaceAll('-', '').slice(0, 12);
}
