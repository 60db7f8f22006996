/** The kinds that the pages over the cluster show, and where the API keeps them. */
import { AppError, type ClusterKind } from '@codex-k8s/domain';

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
}

const resources: Readonly<Record<ClusterKind, Resource>> = {
  namespaces: { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', isNamespaced: false },
  configmaps: { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', isNamespaced: true },
  secrets: { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', isNamespaced: true },
  deployments: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', isNamespaced: true },
  pods: { apiVersion: 'v1', kind: 'Pod', plural: 'pods', isNamespaced: true },
  jobs: { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', isNamespaced: true },
  pvc: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', isNamespaced: true },
};

export interface ObjectRef {
  readonly kind: ClusterKind;
  /** Absent for what lies in none. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export function resourceOf(kind: ClusterKind): Resource {
  return resources[kind];
}

export function listPath(kind: ClusterKind, namespace: string | undefined): string {
  const { apiVersion, plural, isNamespaced } = resources[kind];
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return isNamespaced && namespace !== undefined ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`;
}

/** `kube.not_found` for a namespaced kind without its namespace, and the other way round. */
export function objectPath(ref: ObjectRef): string {
  if (resources[ref.kind].isNamespaced !== (ref.namespace !== undefined)) {
    throw new AppError('kube.not_found', `${describeRef(ref)}: there is no such place for this kind.`);
  }
  return `${listPath(ref.kind, ref.namespace)}/${encodeURIComponent(ref.name)}`;
}

/** `Pod shop/web-1`. */
export function describeRef({ kind, namespace, name }: ObjectRef): string {
  return `${resources[kind].kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
