export { applyObject, checkVersion, connectKube, isInCluster, type Kube } from './client.ts';
export { changedMeanwhile, holdsPlatformObjects, planUpdate, sendDelete, sendUpdate, type UpdatePlan } from './cluster-changes.ts';
export { listClusterObjects, type ListedObject, type ListPage, type ListQuery } from './cluster-list.ts';
export { readContainerLog, type ContainerLog } from './cluster-logs.ts';
export { readClusterObject, type ClusterObject } from './cluster-object.ts';
export type { ObjectRef } from './cluster-resources.ts';
export { translateKubeError } from './errors.ts';
export { namespaceObjects, type NamespaceInput } from './manifests/run-namespace.ts';
export { readManifests } from './manifests/read-manifests.ts';
export { runFolder, runJob, runSecret, type RunJobInput } from './manifests/run-job.ts';
export { probeControls } from './probe-controls.ts';
export { namespaceFacts, readNamespaceFacts } from './namespace-facts.ts';
export { readPodTail, type TailLine } from './pod-tail.ts';
export { podTrouble, type PodTrouble } from './pod-trouble.ts';
export {
  applyRunJob,
  attemptOf,
  deleteRunJob,
  isAlive,
  madeAt,
  watchRunEvents,
  watchRunJobs,
  watchRunPods,
  type RunEvent,
} from './run-jobs.ts';
export { applyRunNamespace, deleteRunNamespace, findRunNamespace } from './run-namespaces.ts';
export { writeTokenKubeconfig } from './token-kubeconfig.ts';
export type { Watched } from './watch-objects.ts';
export * from './words.ts';
export type { V1Job, V1Pod } from '@kubernetes/client-node';
