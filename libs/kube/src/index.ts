export { applyObject, checkVersion, connectKube, type Kube } from './client.ts';
export { translateKubeError } from './errors.ts';
export { namespaceObjects, type NamespaceInput } from './manifests/project-namespace.ts';
export { runFolder, runJob, runSecret, type RunJobInput } from './manifests/run-job.ts';
export { podTrouble, type PodTrouble } from './pod-trouble.ts';
export { applyProjectNamespace, applyRunJob, attemptOf, deleteRunJob, isAlive, watchRunJobs, watchRunPods } from './run-jobs.ts';
export type { Watched } from './watch-objects.ts';
export * from './words.ts';
export type { V1Job, V1Pod } from '@kubernetes/client-node';
