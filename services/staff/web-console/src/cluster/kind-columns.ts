import { clusterKinds, type ClusterKind } from '@codex-k8s/domain';

/** What the cluster prints of each kind and is worth a column, in order (reference §13.2); the names are the cluster's. */
export const kindColumns = {
  namespaces: ['status'],
  configmaps: ['data'],
  secrets: ['type', 'data'],
  deployments: ['ready', 'up_to_date', 'available'],
  pods: ['ready', 'status', 'restarts'],
  jobs: ['status', 'completions', 'duration'],
  pvc: ['status', 'volume', 'capacity', 'access_modes', 'storageclass'],
} as const satisfies Record<ClusterKind, readonly string[]>;

export function isClusterKind(value: unknown): value is ClusterKind {
  return (clusterKinds as readonly unknown[]).includes(value);
}

export function isNamespaced(kind: ClusterKind): boolean {
  return kind !== 'namespaces';
}

/** Trouble in the words of the cluster, such as CrashLoopBackOff. */
export function statusColor(status: string): 'success' | 'error' | 'warning' | undefined {
  if (/^(Running|Completed|Complete|Active|Bound|Succeeded)$/.test(status)) return 'success';
  if (/Error|BackOff|Failed|OOM|Evicted|Lost|Invalid/.test(status)) return 'error';
  return /Pending|Terminating|Creating|Init|Unknown|Suspended/.test(status) ? 'warning' : undefined;
}
