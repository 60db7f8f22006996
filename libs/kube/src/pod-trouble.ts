import type { ErrorCode } from '@codex-k8s/domain';
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';

/** Why a run's pod does not work, told apart by what Kubernetes says. */
export interface PodTrouble {
  readonly code: ErrorCode;
  readonly message: string;
  /** It has ended; otherwise it has not begun and may still. */
  readonly isOver: boolean;
}

const imageReasons = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull', 'ImageInspectError'];
const setupReasons = ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'];

/** Undefined: nothing is wrong with it as far as the cluster knows. */
export function podTrouble(pod: V1Pod): PodTrouble | undefined {
  return lostWithNode(pod) ?? evicted(pod) ?? unschedulable(pod) ?? ofContainer(pod.status?.containerStatuses?.[0]);
}

function evicted({ status }: V1Pod): PodTrouble | undefined {
  if (status?.reason !== 'Evicted' && status?.reason !== 'Preempting') return undefined;
  return { code: 'run.pod_evicted', message: status.message ?? 'The node took the pod away.', isOver: true };
}

function lostWithNode({ status, metadata }: V1Pod): PodTrouble | undefined {
  const disruption = status?.conditions?.find(({ type, status: is }) => type === 'DisruptionTarget' && is === 'True');
  const isLost =
    status?.reason === 'NodeLost' || disruption?.reason === 'DeletionByTaintManager' || disruption?.reason === 'DeletionByPodGC';
  if (!isLost) return undefined;
  return { code: 'run.node_lost', message: disruption?.message ?? `The node of ${metadata?.name ?? 'the pod'} is gone.`, isOver: true };
}

function unschedulable({ status }: V1Pod): PodTrouble | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (status?.phase !== 'Pending' || scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  return { code: 'run.unschedulable', message: scheduled.message ?? 'No node takes the pod.', isOver: false };
}

function ofContainer(container: V1ContainerStatus | undefined): PodTrouble | undefined {
  const waiting = container?.state?.waiting;
  const ended = container?.state?.terminated;
  if (waiting && imageReasons.includes(waiting.reason ?? '')) {
    return { code: 'run.image_unavailable', message: `${container?.image}: ${waiting.message ?? waiting.reason}`, isOver: false };
  }
  if (waiting && setupReasons.includes(waiting.reason ?? '')) {
    return { code: 'run.pod_not_started', message: waiting.message ?? String(waiting.reason), isOver: false };
  }
  if (!ended || ended.exitCode === 0) return undefined;
  if (ended.reason === 'OOMKilled') {
    return { code: 'run.out_of_memory', message: 'The agent used more memory than its limit.', isOver: true };
  }
  if (ended.reason === 'StartError' || ended.reason === 'ContainerCannotRun') {
    return { code: 'run.pod_not_started', message: ended.message ?? ended.reason, isOver: true };
  }
  return { code: 'run.agent_crashed', message: `The pod ended with code ${ended.exitCode}.`, isOver: true };
}
