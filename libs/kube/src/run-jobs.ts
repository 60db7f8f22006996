/** What the worker does with the Jobs of runs. Each function is safe to repeat. */
import type { CoreV1Event, V1Job, V1Pod } from '@kubernetes/client-node';
import { applyObject, found, translated, type Kube } from './client.ts';
import { runJob, runSecret, type RunJobInput } from './manifests/run-job.ts';
import { watchObjects, type Watched } from './watch-objects.ts';
import { labels, manager } from './words.ts';

const ours = `${labels.managedBy}=${manager}`;

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
  const deleted = await found(what, () => kube.batch.deleteNamespacedJob({ name, namespace, body }));
  if (!deleted || !isAlive(job)) return; // whoever deleted it ends its pods; those of an ended Job are over
  const pods = await translated(`Pods of ${what}`, () => kube.core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` }));
  for (const { metadata, status } of pods.items) {
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue; // it goes with the Job
    const pod = metadata?.name ?? '';
    await found(`Pod ${namespace}/${pod}`, () => kube.core.deleteNamespacedPod({ name: pod, namespace, gracePeriodSeconds: graceSec }));
  }
}

export interface WatchOptions {
  readonly onError: (error: unknown) => void;
}

/** Grouped by run. */
export function watchRunJobs(kube: Kube, { onError }: WatchOptions): Watched<V1Job> {
  return watchObjects<V1Job>(kube, {
    path: '/apis/batch/v1/jobs',
    labelSelector: ours,
    list: () => kube.batch.listJobForAllNamespaces({ labelSelector: ours }),
    groupOf: runOf,
    onError,
  });
}

/** Grouped by run. */
export function watchRunPods(
  kube: Kube,
  { onError, ...heard }: WatchOptions & { onChange?: (pod: V1Pod) => void; onGone?: (pod: V1Pod) => void },
): Watched<V1Pod> {
  return watchObjects<V1Pod>(kube, {
    path: '/api/v1/pods',
    labelSelector: ours,
    list: () => kube.core.listPodForAllNamespaces({ labelSelector: ours }),
    groupOf: runOf,
    onError,
    ...heard,
  });
}

const runOf = (object: V1Job | V1Pod): string | undefined => attemptOf(object)?.runId;

/** What the cluster says about a Job or pod of a run, such as that its image is pulled or that no node has room. */
export interface RunEvent {
  readonly runId: string;
  readonly attempt: number;
  /** Of the event; it stays the same while the event repeats. */
  readonly uid: string;
  readonly about: 'Job' | 'Pod';
  readonly name: string;
  readonly isWarning: boolean;
  readonly reason: string;
  readonly message: string;
  readonly at: Date;
}

/** Tells each event once, also those of the last hour when it begins. Two watches for the whole cluster, none per run. */
export function watchRunEvents(kube: Kube, { onError, onEvent }: WatchOptions & { onEvent: (event: RunEvent) => void }): AsyncDisposable {
  const told = new Set<string>();
  const watches = (['Job', 'Pod'] as const).map((about) => {
    const fieldSelector = `involvedObject.kind=${about}`;
    return watchObjects<CoreV1Event>(kube, {
      path: '/api/v1/events',
      fieldSelector,
      list: () => kube.core.listEventForAllNamespaces({ fieldSelector }),
      onError,
      onChange: (object) => {
        const event = runEvent(about, object);
        if (!event || told.has(event.uid)) return;
        told.add(event.uid);
        onEvent(event);
      },
      onGone: ({ metadata }) => void told.delete(metadata?.uid ?? ''),
    });
  });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(watches.map((watch) => watch[Symbol.asyncDispose]()));
    },
  };
}

/** Undefined: it is not about an attempt of ours. Events carry no labels, so the name says it; whoever else took such a name is told too. */
function runEvent(
  about: 'Job' | 'Pod',
  { metadata, involvedObject, reason, message, type, eventTime, firstTimestamp }: CoreV1Event,
): RunEvent | undefined {
  const { name = '' } = involvedObject;
  const [, runId, attempt] = /^codex-k8s-run-([0-9a-f-]{36})-(\d+)(?:-[a-z0-9]+)?$/.exec(name) ?? [];
  if (runId === undefined || metadata.uid === undefined) return undefined;
  return {
    runId,
    attempt: Number(attempt),
    uid: metadata.uid,
    about,
    name,
    isWarning: type === 'Warning',
    reason: storable(reason),
    message: storable(message),
    at: instant(eventTime ?? firstTimestamp ?? metadata.creationTimestamp),
  };
}

/** As text that a database takes: not too long, without NUL or half a character. */
function storable(text = ''): string {
  return text.slice(0, 2_000).toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Lists have dates where watches have the text of them, whatever their types say; what is missing or makes no sense is now. */
function instant(value: Date | string | undefined): Date {
  const date = new Date(value ?? Date.now());
  return Number.isNaN(date.getTime()) ? new Date() : date;
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
