import { existsSync } from 'node:fs';
import { AppError } from '@codex-k8s/domain';
import {
  BatchV1Api,
  CoreV1Api,
  KubernetesObjectApi,
  PatchStrategy,
  VersionApi,
  type KubeConfig,
  type KubernetesObject,
} from '@kubernetes/client-node';
import { translateKubeError } from './errors.ts';
import { LastingKubeConfig } from './lasting-connections.ts';
import { manager } from './words.ts';

/** The connection to one cluster. */
export interface Kube {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  readonly objects: KubernetesObjectApi;
}

/** By a kubeconfig file, or as a pod of the cluster. `config.invalid`: neither is there. */
export function connectKube({ kubeconfig, context }: { kubeconfig?: string | undefined; context?: string | undefined } = {}): Kube {
  const config = new LastingKubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromCluster();
    else config.loadFromFile(kubeconfig);
    if (context !== undefined) config.setCurrentContext(context);
  } catch (cause) {
    const where = kubeconfig ?? 'the service account of this pod';
    throw new AppError('config.invalid', `No cluster can be read from ${where}; set CODEXK8S_KUBECONFIG.`, { cause });
  }
  if (!config.getCurrentCluster())
    throw new AppError('config.invalid', `${kubeconfig ?? 'This pod'} names no cluster; set CODEXK8S_KUBECONFIG.`);
  return {
    config,
    core: config.makeApiClient(CoreV1Api),
    batch: config.makeApiClient(BatchV1Api),
    objects: KubernetesObjectApi.makeApiClient(config),
  };
}

/** Does this process run as a pod that may speak to its cluster? */
export function isInCluster(): boolean {
  return existsSync('/var/run/secrets/kubernetes.io/serviceaccount/token');
}

/** The newest API the platform uses (ValidatingAdmissionPolicy) is in every version from this one. */
const oldestMinor = 30;

/** `kube.unavailable`, `kube.unauthorized`, or `kube.too_old`; returns the version, such as `v1.34.4`. */
export async function checkVersion({ config }: Kube): Promise<string> {
  const version = await translated('The version of the cluster', () => config.makeApiClient(VersionApi).getCode());
  const minor = Number.parseInt(version.minor, 10);
  if (version.major === '1' && minor < oldestMinor) {
    throw new AppError('kube.too_old', `The cluster is ${version.gitVersion}; the platform needs 1.${oldestMinor} or newer.`);
  }
  return version.gitVersion;
}

/** Server-side apply: repeating it is harmless, and what others own in the object stays theirs. Returns the object as it stands. */
export async function applyObject<T extends KubernetesObject>(
  { objects }: Kube,
  object: T,
  { isDryRun = false }: { /** The API server checks it as ever, and keeps nothing. */ readonly isDryRun?: boolean } = {},
): Promise<T> {
  const { kind, metadata } = object;
  return translated(`${kind ?? 'object'} ${metadata?.name ?? ''}`, () =>
    objects.patch(object, undefined, isDryRun ? 'All' : undefined, manager, true, PatchStrategy.ServerSideApply),
  );
}

export async function translated<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw translateKubeError(error, what);
  }
}

/** As `translated`, and undefined when the object is not there. */
export async function found<T>(what: string, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await translated(what, act);
  } catch (error) {
    if (error instanceof AppError && error.code === 'kube.not_found') return undefined;
    throw error;
  }
}
