import {
  AppError,
  environmentOfNamespace,
  isPlatformObject,
  type ClusterKind,
  type GuardedObject,
  type NamespaceFacts,
  type ObjectLabels,
} from '@codex-k8s/domain';
import {
  listClusterObjects,
  namespaceFacts,
  readClusterObject,
  readContainerLog,
  readNamespaceFacts,
  type ClusterObject,
  type ContainerLog,
  type Kube,
  type ListedObject,
  type ListQuery,
  type ObjectRef,
} from '@codex-k8s/kube';
import type { Context } from './context.ts';

/** With what the guardrails go by. */
export type Guarded<T> = T & GuardedObject;

/** `kube.not_configured` in the trial. */
export function clusterOf({ kube }: Context): Kube {
  if (!kube) throw new AppError('kube.not_configured', 'The platform is connected to no cluster.');
  return kube;
}

export async function listObjects(
  context: Context,
  query: ListQuery,
): Promise<{ objects: Guarded<ListedObject>[]; nextCursor: string | undefined }> {
  const kube = clusterOf(context);
  const { objects, nextCursor } = await listClusterObjects(kube, query);
  const names = new Set(objects.flatMap(({ namespace }) => namespace ?? []));
  const facts = await readNamespaceFacts(kube, [...names]);
  const guarded = objects.map((object) => ({
    ...object,
    ...standing(context, { ...object, kind: query.kind }, facts.get(object.namespace ?? '')),
  }));
  return { objects: guarded, nextCursor };
}

export async function showObject(context: Context, ref: ObjectRef): Promise<Guarded<ClusterObject>> {
  return guard(context, await readClusterObject(clusterOf(context), ref));
}

export async function readObjectLog(
  context: Context,
  query: { ref: ObjectRef; pod: string | undefined; container: string | undefined; tailLines: number; previous: boolean },
): Promise<ContainerLog> {
  return readContainerLog(clusterOf(context), query);
}

export async function guard(context: Context, object: ClusterObject): Promise<Guarded<ClusterObject>> {
  const { namespace } = object;
  const facts = namespace === undefined ? undefined : (await readNamespaceFacts(clusterOf(context), [namespace])).get(namespace);
  return { ...object, ...standing(context, object, facts) };
}

/** `facts` are of the namespace the object lies in; a namespace stands for itself. */
function standing(
  context: Context,
  { kind, name, labels }: { kind: ClusterKind; name: string; labels: ObjectLabels },
  facts: NamespaceFacts | undefined,
): GuardedObject {
  const around = kind === 'namespaces' ? namespaceFacts(clusterOf(context), { name, labels }) : facts;
  const isOwnNamespace = kind === 'namespaces' && around?.isPlatformNamespace === true;
  return {
    environment: around && environmentOfNamespace(around, context.config.environment),
    isPlatformObject: isPlatformObject(labels) || isOwnNamespace,
  };
}
