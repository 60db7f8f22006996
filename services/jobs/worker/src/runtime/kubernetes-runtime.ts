/**
 * Agents as Jobs of a cluster. What runs is in the cluster and nowhere else: any worker sees it by label, and one that starts anew adopts it. The
 * control plane decides about retries and time; the cluster only runs one pod per attempt.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  applyRunNamespace,
  applyRunJob,
  attemptOf,
  deleteRunJob,
  deleteRunNamespace,
  findRunNamespace,
  isAlive,
  podTrouble,
  readPodTail,
  probeControls,
  projectNamespace,
  runNamespace,
  watchRunEvents,
  watchRunJobs,
  watchRunPods,
  type Kube,
  type RunJobInput,
  type V1Job,
  type V1Pod,
} from '@codex-k8s/kube';
import { AppError } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';
import type { AgentRuntime, AliveAttempt, LaunchSpec, RuntimeEvent } from '../app/agent-runtime.ts';

export interface KubernetesRuntimeOptions {
  readonly kube: Kube;
  readonly namespacePrefix: string;
  readonly podsPerProject: number;
  readonly image: string;
  readonly controlPlaneUrl: string;
  readonly modelBaseUrl: string;
  readonly modelApiKey: string | undefined;
  readonly otlpEndpoint: string | undefined;
  readonly placement: Pick<RunJobInput, 'nodeSelector' | 'tolerations' | 'runtimeClass'>;
  readonly resources: RunJobInput['resources'];
  /** After so long without a sign of life the worker replaces an attempt. */
  readonly heartbeatTimeoutSec: number;
  readonly log: Logger;
  readonly onEvent: (event: RuntimeEvent) => void;
}

const gentleSec = 25;
const endWithinMs = 60_000;

export function createKubernetesRuntime(options: KubernetesRuntimeOptions): AgentRuntime {
  const { kube, log } = options;
  const onError = (err: unknown): void => log.warn({ err }, 'lost the watch of the cluster; it is opened again');
  const jobs = watchRunJobs(kube, { onError });
  const pods = watchRunPods(kube, { onError });
  /** What the cluster said about pods it did not make, such as that a webhook forbids them; of Jobs that are there. */
  const whyNoPod = new Map<string, string>();
  const events = watchRunEvents(kube, {
    onError,
    onEvent: ({ runId, uid, at, isWarning, ...said }) => {
      if (said.about === 'Job' && said.reason === 'FailedCreate') whyNoPod.set(`${runId}/${said.attempt}`, said.message);
      options.onEvent({ runId, uid, payload: { ...said, type: isWarning ? 'Warning' : 'Normal', at: at.toISOString() } });
    },
  });
  /** Namespaces this process has applied; another change of them is put right at its next start. */
  const prepared = new Map<string, Promise<unknown>>();

  async function sharedNamespace(projectId: string): Promise<string> {
    const namespace = projectNamespace(options.namespacePrefix, projectId);
    const known = prepared.get(namespace);
    const ready = known ?? applyRunNamespace(kube, { namespace, mode: 'code-only', projectId, pods: options.podsPerProject });
    prepared.set(namespace, ready); // launches of one project come at once, and one of them makes it
    try {
      await ready;
    } catch (error) {
      prepared.delete(namespace);
      throw error;
    }
    return namespace;
  }

  /** Ends Jobs of the run and waits until their pods are gone, so that two attempts never work at once. */
  async function end(runId: string, { keep, graceSec }: { keep?: number; graceSec: number }): Promise<void> {
    const others = (await jobs.of(runId)).filter((job) => attemptOf(job)?.attempt !== keep);
    for (const job of others) await deleteRunJob(kube, { job, graceSec });
    const isLeft = async (): Promise<boolean> =>
      (await pods.of(runId)).some(
        (pod) => attemptOf(pod)?.attempt !== keep && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed',
      );
    for (const deadline = Date.now() + endWithinMs; await isLeft(); await sleep(100)) {
      if (Date.now() > deadline) throw new AppError('kube.unavailable', `The pods of run ${runId} do not end; their node may be gone.`);
    }
  }

  async function podOf({ runId, attempt }: { runId: string; attempt: number }): Promise<V1Pod | undefined> {
    return (await pods.of(runId)).find((one) => attemptOf(one)?.attempt === attempt);
  }

  return {
    launch: async (spec) => {
      if (spec.attempt > 1) await end(spec.runId, { keep: spec.attempt, graceSec: 0 }); // nothing came before the first
      const namespace = spec.namespace ?? (await sharedNamespace(spec.projectId));
      try {
        jobs.put(await applyRunJob(kube, jobInput(options, spec, namespace)));
      } catch (error) {
        prepared.delete(namespace); // it may have been deleted since
        throw error;
      }
    },
    listAlive: async () => {
      const podOf = new Map((await pods.all()).map((pod) => [attemptKey(pod), pod]));
      const alive = (await jobs.all()).filter(isAlive);
      const keys = new Set(alive.map(attemptKey));
      for (const key of whyNoPod.keys()) if (!keys.has(key)) whyNoPod.delete(key);
      return alive.flatMap((job) => {
        const at = attemptOf(job);
        return at ? aliveAttempt(at, podOf.get(attemptKey(job)), whyNoPod.get(attemptKey(job))) : [];
      });
    },
    probeControls: async () => {
      const { image, resources, placement, namespacePrefix } = options;
      const namespace = `${namespacePrefix}-preflight`;
      return probeControls(kube, { namespace, id: randomUUID().slice(0, 8), image, resources, ...placement });
    },
    explainEnd: async (attempt) => {
      const pod = await podOf(attempt);
      return pod && podTrouble(pod);
    },
    readTail: async (attempt, wanted) => {
      const pod = await podOf(attempt);
      return pod ? readPodTail(kube, pod, wanted) : [];
    },
    stop: async (runId, { gently } = { gently: false }) => end(runId, { graceSec: gently ? gentleSec : 0 }),
    clean: async (runId) => end(runId, { graceSec: 0 }),
    namespaces: {
      nameFor: (run) => runNamespace(options.namespacePrefix, run),
      prepare: ({ name, ...spec }) => applyRunNamespace(kube, { ...spec, namespace: name, mode: 'full-env', pods: options.podsPerProject }),
      remove: async ({ name, uid }) => {
        const known = uid ?? (await findRunNamespace(kube, name));
        return known === undefined ? 'gone' : deleteRunNamespace(kube, { name, uid: known });
      },
    },
    async [Symbol.asyncDispose]() {
      await jobs[Symbol.asyncDispose]();
      await pods[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
    },
  };
}

function attemptKey(object: V1Job | V1Pod): string {
  const at = attemptOf(object);
  return `${at?.runId}/${at?.attempt}`;
}

/** One, or none when its pod is over already: the Job says so a moment later. */
function aliveAttempt(at: { runId: string; attempt: number }, pod: V1Pod | undefined, whyNoPod = 'no reason is known'): AliveAttempt[] {
  switch (pod?.status?.phase) {
    case 'Running':
    case 'Unknown': // the node is silent; the heartbeat decides
      return [at];
    case 'Succeeded':
    case 'Failed':
      return [];
    case undefined:
      return [{ ...at, notStarted: { code: 'run.pod_not_started', message: `The cluster has made no pod for the Job: ${whyNoPod}` } }];
    default: {
      const trouble = pod && podTrouble(pod);
      const { code, message } = trouble ?? { code: 'run.pod_not_started' as const, message: 'The container has not started.' };
      return [{ ...at, notStarted: { code, message } }];
    }
  }
}

function jobInput(options: KubernetesRuntimeOptions, spec: LaunchSpec, namespace: string): RunJobInput {
  const { runId, projectId, attempt, correlationId, runToken, traceparent } = spec;
  return {
    namespace,
    mode: spec.namespace === undefined ? 'code-only' : 'full-env',
    runId,
    projectId,
    attempt,
    correlationId,
    image: options.image,
    environment: {
      CODEXK8S_RUN_ID: runId,
      CODEXK8S_CORRELATION_ID: correlationId,
      CODEXK8S_CONTROL_PLANE_URL: options.controlPlaneUrl,
      CODEXK8S_MODEL_BASE_URL: options.modelBaseUrl,
      CODEXK8S_HEARTBEAT_SECONDS: String(options.heartbeatTimeoutSec / 4), // one that is heard three times too late is never taken for dead
      ...(options.otlpEndpoint !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint }),
      ...(traceparent !== undefined && { TRACEPARENT: traceparent }),
    },
    secrets: {
      CODEXK8S_RUN_TOKEN: runToken,
      ...(options.modelApiKey !== undefined && { CODEXK8S_MODEL_API_KEY: options.modelApiKey }),
    },
    resources: options.resources,
    ...options.placement,
  };
}
