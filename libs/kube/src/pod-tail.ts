import { isAppError } from '@codex-k8s/domain';
import type { V1Pod } from '@kubernetes/client-node';
import type { Kube } from './client.ts';
import { readContainerLog } from './cluster-logs.ts';

export interface TailLine {
  /** By the clock of the node. */
  readonly at: Date | undefined;
  readonly text: string;
}

/** The last lines that the container of a run's pod has printed; none when the pod, its log or its node is gone. Pods of runs never restart. */
export async function readPodTail(kube: Kube, { metadata }: V1Pod, { lines: tailLines }: { lines: number }): Promise<readonly TailLine[]> {
  const ref = { kind: 'pods', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' } as const;
  try {
    const { lines } = await readContainerLog(kube, { ref, container: 'run', tailLines, previous: false });
    return lines;
  } catch (error) {
    if (isAppError(error, 'kube.no_logs') || isAppError(error, 'kube.not_found')) return [];
    throw error;
  }
}
