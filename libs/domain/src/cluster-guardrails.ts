/**
 * What a person may do with an object of the cluster (reference §13.4). One rule: the API enforces it, the console shows it, and
 * deploy/kubernetes/guardrails-policy.yaml says the part that the cluster itself holds.
 */
import type { ErrorCode } from './error-codes.ts';

export const clusterKinds = ['namespaces', 'configmaps', 'secrets', 'deployments', 'pods', 'jobs', 'pvc'] as const;
export type ClusterKind = (typeof clusterKinds)[number];

export type ObjectLabels = Readonly<Record<string, string>>;

export const partOfLabel = 'app.kubernetes.io/part-of';
export const platformName = 'codex-k8s';
/** On a namespace: the environment of everything in it. */
export const environmentLabel = 'codex-k8s.dev/environment';
const ownPrefix = 'codex-k8s.dev/';

export type ClusterAction = 'update' | 'delete';

/** `dry_run_only`: the API server is asked whether it would work, and nothing changes. */
export type ClusterVerdict =
  | { readonly verdict: 'allowed' }
  | { readonly verdict: 'dry_run_only'; readonly code: ErrorCode }
  | { readonly verdict: 'refused'; readonly code: ErrorCode };

/** `all` is the console's view over several environments. */
const viewOnlyEnvironments = ['all', 'production', 'prod', 'ai-staging', 'staging'];
const dryRunEnvironments = ['ai'];

export type ClusterMode = 'view_only' | 'dry_run' | 'normal';

/** `view_only` binds the platform's own objects, `dry_run` everything. */
export function clusterMode(environment: string | undefined): ClusterMode {
  if (environment === undefined) return 'normal';
  if (viewOnlyEnvironments.includes(environment)) return 'view_only';
  return dryRunEnvironments.includes(environment) ? 'dry_run' : 'normal';
}

export function isPlatformObject(labels: ObjectLabels): boolean {
  return labels[partOfLabel] === platformName;
}

export interface GuardedObject {
  readonly isPlatformObject: boolean;
  readonly environment: string | undefined;
}

export function judgeClusterAction({ isPlatformObject: isOurs, environment }: GuardedObject, action: ClusterAction): ClusterVerdict {
  const mode = clusterMode(environment);
  if (isOurs && mode === 'view_only') return { verdict: 'refused', code: 'cluster.view_only' };
  if (isOurs && action === 'delete') return { verdict: 'refused', code: 'cluster.platform_object' };
  if (mode === 'dry_run') return { verdict: 'dry_run_only', code: 'cluster.dry_run_only' };
  return { verdict: 'allowed' };
}

export interface NamespaceFacts {
  readonly labels: ObjectLabels;
  /** Made by the platform for runs. */
  readonly isRunNamespace: boolean;
  /** The platform itself runs in it. */
  readonly isPlatformNamespace: boolean;
}

/** Undefined: nobody said, so nothing special holds. */
export function environmentOfNamespace(
  { labels, isRunNamespace, isPlatformNamespace }: NamespaceFacts,
  platformEnvironment: string,
): string | undefined {
  if (isPlatformNamespace) return platformEnvironment;
  return labels[environmentLabel] ?? (isRunNamespace ? 'ai' : undefined);
}

/** The labels that these rules and the platform's own loops rest on; whoever could change them could step around the rules. */
export function guardedLabels(labels: ObjectLabels): ObjectLabels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name === partOfLabel || name.startsWith(ownPrefix)));
}

/** The guarded label that differs between what is and what is asked for. */
export function changedGuardedLabel(before: ObjectLabels, after: ObjectLabels): string | undefined {
  const [old, asked] = [guardedLabels(before), guardedLabels(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(asked)])].find((name) => old[name] !== asked[name]);
}
