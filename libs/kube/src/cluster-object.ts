import { AppError, type ObjectLabels } from '@codex-k8s/domain';
import type { Kube } from './client.ts';
import { describeRef, objectPath, type ObjectRef } from './cluster-resources.ts';
import { askKubeJson } from './kube-request.ts';
import { isObject, textOf, type JsonObject } from './json.ts';
import { shownPart, toYaml } from './object-yaml.ts';

/** An object as a page shows it. */
export interface ClusterObject extends ObjectRef {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: Date;
  readonly isDeleting: boolean;
  readonly labels: ObjectLabels;
  /** Of a Secret without its values. */
  readonly yaml: string;
  readonly statusYaml?: string;
  /** What a Secret or ConfigMap holds, by name and size. */
  readonly keys?: readonly { readonly name: string; readonly bytes: number }[];
}

export async function readClusterObject(kube: Kube, ref: ObjectRef): Promise<ClusterObject> {
  return clusterObject(ref, await readObject(kube, ref));
}

export async function readObject(kube: Kube, ref: ObjectRef): Promise<JsonObject> {
  return asObject(ref, await askKubeJson(kube, { what: describeRef(ref), path: objectPath(ref), isSecret: isSecret(ref) }));
}

export function asObject(ref: ObjectRef, value: unknown): JsonObject {
  if (!isObject(value)) throw new AppError('kube.unavailable', `${describeRef(ref)}: the API server gave no object.`);
  return value;
}

export function isSecret({ kind }: ObjectRef): boolean {
  return kind === 'secrets';
}

export function clusterObject(ref: ObjectRef, object: JsonObject): ClusterObject {
  const { metadata, status } = object;
  const { uid, resourceVersion, creationTimestamp, deletionTimestamp } = isObject(metadata) ? metadata : {};
  const keys = keysOf(ref, object);
  return {
    kind: ref.kind,
    namespace: ref.namespace,
    name: ref.name,
    uid: textOf(uid),
    resourceVersion: textOf(resourceVersion),
    createdAt: new Date(textOf(creationTimestamp)),
    isDeleting: deletionTimestamp !== undefined,
    labels: labelsOf(object),
    yaml: toYaml(shownPart(object, { isSecret: isSecret(ref) })),
    ...(isObject(status) && Object.keys(status).length > 0 && { statusYaml: toYaml(status) }),
    ...(keys && { keys }),
  };
}

export function labelsOf({ metadata }: JsonObject): ObjectLabels {
  const labels = isObject(metadata) && isObject(metadata['labels']) ? metadata['labels'] : {};
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, textOf(value)]));
}

function keysOf({ kind }: ObjectRef, { data, binaryData }: JsonObject): ClusterObject['keys'] {
  if (kind !== 'secrets' && kind !== 'configmaps') return undefined;
  const encoded = { ...(isObject(binaryData) && binaryData), ...(kind === 'secrets' && isObject(data) && data) };
  const plain = kind === 'configmaps' && isObject(data) ? data : {};
  return [
    ...Object.entries(plain).map(([name, value]) => ({ name, bytes: Buffer.byteLength(textOf(value)) })),
    ...Object.entries(encoded).map(([name, value]) => ({ name, bytes: Buffer.byteLength(textOf(value), 'base64') })),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
