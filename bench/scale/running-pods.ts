/** When each pod of a Job was first seen at work, whoever made the Job: the same clock for both sides. */
import { watchRunPods, type Kube } from '@codex-k8s/kube';

export interface RunningPods extends AsyncDisposable {
  /** In ms since 1970, in the order they were seen. */
  readonly seenAt: readonly number[];
}

export function watchRunningPods(kube: Kube): RunningPods {
  const seen = new Set<string>();
  const seenAt: number[] = [];
  const pods = watchRunPods(kube, {
    onError: () => undefined, // it is opened again
    onChange: ({ metadata, status }) => {
      const uid = metadata?.uid ?? '';
      if (status?.phase !== 'Running' || seen.has(uid)) return;
      seen.add(uid);
      seenAt.push(Date.now());
    },
  });
  return { seenAt, [Symbol.asyncDispose]: () => pods[Symbol.asyncDispose]() };
}
