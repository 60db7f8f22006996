/** What the worker does with the Jobs of runs. Each function is safe to repeat. */
import { AppError } from '@codex-k8s/domain';
import type { V1Job, V1Namespace, V1Pod } from '@kubernetes/client-node';
import { applyObject, found, translated, type Kube } from './client.ts';
import { namespaceObjects, type NamespaceInput } from './manifests/run-namespace.ts';
import { runJob, runSecret, type RunJobInput } from './manifests/run-job.ts';
import { watchObjects, type Watched } from './watch-objects.ts';
import { labels, managedLabels, manager } from './words.ts';

const ours = `${labels.managedBy}=${manager}`;

/** `kube.not_ours`: the namespace is there without the managed labels. `kube.namespace_terminating`: it is going away. */
export async function applyRunNamespace(kube: Kube, input: NamespaceInput): Promise<void> {
  const { namespace: name } = input;
  const present = await found(`Namespace ${name}`, () => kube.core.readNamespace({ name }));
  if (present && !isManaged(present)) throw new AppError('kube.not_ours', `The namespace ${name} exists and is not the platform's.`);
  if (present?.metadata?.deletionTimestamp) throw new AppError('kube.namespace_terminating', `The namespace ${name} is being deleted.`);
  for (const object of namespaceObjects(input)) await applyObject(kube, object);
}

function isManaged({ metadata }: V1Namespace): boolean {
  return Object.entries(managedLabels).every(([key, value]) => metadata?.labels?.[key] === value);
}

/**
 * The Job, and then its Secret, which belongs to the Job and so goes with it. The pod needs the Secret only when its sandbox stands, much later
 * than this function's second request. Returns the Job as the cluster has it.
 */
export async function applyRunJob(kube: Kube, input: RunJobInput): Promise<V1Job> {
  const job = await applyObject(kube, runJob(input));
  await applyObject(kube, runSecret(input, job.metadata?.uid ?? ''));
  return job;
}

/** Deletes this very Job, with its Secret, and its pods, which get `graceSec` to save their session. */
export async function deleteRunJob(kube: Kube, { job, graceSec }: { job: V1Job; graceSec: number }): Promise<void> {
  const { name = '', namespace = '', uid } = job.metadata ?? {};
  const what = `Job ${namespace}/${name}`;
  const body = { propagationPolicy: 'Background', ...(uid !== undefined && { preconditions: { uid } }) };
  await found(what, () => kube.batch.deleteNamespacedJob({ name, namespace, body }));
  const pods = await translated(`Pods of ${what}`, () => kube.core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` }));
  for (const { metadata } of pods.items) {
    const pod = metadata?.name ?? '';
    await found(`Pod ${namespace}/${pod}`, () => kube.core.deleteNamespacedPod({ name: pod, namespace, gracePeriodSeconds: graceSec }));
  }
}

export interface WatchOptions {
  readonly onError: (error: unknown) => void;
}

export function watchRunJobs(kube: Kube, { onError }: WatchOptions): Watched<V1Job> {
  return watchObjects<V1Job>(kube, {
    path: '/apis/batch/v1/jobs',
    labelSelector: ours,
    list: () => kube.batch.listJobForAllNamespaces({ labelSelector: ours }),
    onError,
  });
}

export function watchRunPods(kube: Kube, { onError }: WatchOptions): Watched<V1Pod> {
  return watchObjects<V1Pod>(kube, {
    path: '/api/v1/pods',
    labelSelector: ours,
    list: () => kube.core.listPodForAllNamespaces({ labelSelector: ours }),
    onError,
  });
}

/** Which attempt of which run a Job or pod belongs to; undefined when its labels do not say so, as after somebody changed them. */
export function attemptOf({ metadata }: V1Job | V1Pod): { runId: string; attempt: number } | undefined {
  const runId = metadata?.labels?.[labels.runId];
  const attempt = Number(metadata?.labels?.[labels.attempt]);
  return runId !== undefined && Number.isInteger(attempt) && attempt > 0 ? { runId, attempt } : undefined;
}

/** A Job that neither ended nor is being deleted. */
export function isAlive({ metadata, status }: V1Job): boolean {
  const isOver = status?.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True') ?? false;
  return !isOver && metadata?.deletionTimestamp === undefined;
}
