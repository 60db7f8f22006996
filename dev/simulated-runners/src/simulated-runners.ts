/**
 * One process plays the agent-runner of every run pod on simulated nodes, where no container runs: it sees a pod start, takes the run's token as
 * the kubelet would, and talks to the platform as the runner does. When a pod ends by itself (a Stage of kwok), its runner falls silent at once.
 */
import type { RunSpec } from '@codex-k8s/contracts/internal';
import { attemptOf, watchRunPods, type Kube, type V1Pod } from '@codex-k8s/kube';
import type { Fate } from '../../cluster/src/pod-stages.ts';
import { playAttempt } from './attempt.ts';
import { environmentOf, readRunToken, sayEnded, sendFate, type PodOfRun } from './kubelet.ts';

export interface SimulatedRunnersOptions {
  readonly githubApiUrl: string;
  /** The agent's time. */
  readonly work?: (spec: RunSpec, signal: AbortSignal) => Promise<'delivers' | 'fails'>;
  /** Of a pod that asks for `simulatedFates`. */
  readonly fateOf?: (pod: PodOfRun) => Promise<Fate>;
  /** A runner that failed for a reason nobody asked for. */
  readonly onError: (error: unknown, pod: PodOfRun) => void;
}

export interface SimulatedRunners extends AsyncDisposable {
  /** Pods whose runner works now. */
  readonly active: number;
  readonly started: number;
}

export function startSimulatedRunners(kube: Kube, options: SimulatedRunnersOptions): SimulatedRunners {
  const { githubApiUrl, work = async () => 'delivers', fateOf, onError } = options;
  const playing = new Map<string, AbortController>();
  const fated = new Set<string>();
  let started = 0;

  async function play(pod: PodOfRun, { signal }: AbortController): Promise<void> {
    const token = await readRunToken(kube, pod);
    if (token === undefined || signal.aborted) return;
    if (await playAttempt({ pod, token, githubApiUrl, signal, work })) await sayEnded(kube, pod);
  }

  function hear(object: V1Pod): void {
    const pod = podOfRun(object);
    if (!pod) return;
    const { uid } = pod;
    const phase = object.status?.phase;
    if (phase === 'Pending' && fateOf && object.spec?.nodeName !== undefined && !fated.has(uid)) {
      fated.add(uid);
      fateOf(pod)
        .then((fate) => sendFate(kube, pod, fate))
        .catch((error: unknown) => onError(error, pod));
    }
    if (phase === 'Running' && object.metadata?.deletionTimestamp === undefined && !playing.has(uid)) {
      const ended = new AbortController();
      playing.set(uid, ended);
      started += 1;
      play(pod, ended).catch((error: unknown) => {
        if (!ended.signal.aborted) onError(error, pod);
      });
    } else if (phase !== 'Running' || object.metadata?.deletionTimestamp !== undefined) playing.get(uid)?.abort();
  }

  const pods = watchRunPods(kube, {
    onError: () => undefined, // it is opened again
    onChange: hear,
    onGone: ({ metadata }) => {
      playing.get(metadata?.uid ?? '')?.abort();
      playing.delete(metadata?.uid ?? '');
      fated.delete(metadata?.uid ?? '');
    },
  });
  return {
    get active() {
      return [...playing.values()].filter(({ signal }) => !signal.aborted).length;
    },
    get started() {
      return started;
    },
    async [Symbol.asyncDispose]() {
      for (const one of playing.values()) one.abort();
      await pods[Symbol.asyncDispose]();
    },
  };
}

/** Undefined: it is not the pod of a run, such as one that tries a control. */
function podOfRun(pod: V1Pod): PodOfRun | undefined {
  const at = attemptOf(pod);
  const { name, namespace, uid } = pod.metadata ?? {};
  const controlPlaneUrl = environmentOf(pod, 'CODEXK8S_CONTROL_PLANE_URL');
  const heartbeatMs = Number(environmentOf(pod, 'CODEXK8S_HEARTBEAT_SECONDS')) * 1_000;
  if (!at || name === undefined || namespace === undefined || uid === undefined || controlPlaneUrl === undefined) return undefined;
  return { ...at, name, namespace, uid, controlPlaneUrl, heartbeatMs };
}
