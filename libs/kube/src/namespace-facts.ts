import { isAppError, type NamespaceFacts } from '@codex-k8s/domain';
import type { Kube } from './client.ts';
import { labelsOf } from './cluster-object.ts';
import { objectPath } from './cluster-resources.ts';
import { askKubeJson } from './kube-request.ts';
import { isObject } from './json.ts';
import { managedLabels } from './words.ts';

/** What decides about the environment of everything in a namespace. One that has gone meanwhile says nothing. */
export async function readNamespaceFacts(kube: Kube, names: readonly string[]): Promise<ReadonlyMap<string, NamespaceFacts>> {
  const facts = await Promise.all(names.map(async (name) => [name, await factsOf(kube, name)] as const));
  return new Map(facts);
}

async function factsOf(kube: Kube, name: string): Promise<NamespaceFacts> {
  const object = await askKubeJson(kube, {
    what: `Namespace ${name}`,
    path: objectPath({ kind: 'namespaces', name }),
    accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  }).catch((error: unknown) => {
    if (isAppError(error, 'kube.not_found')) return undefined;
    throw error;
  });
  return namespaceFacts(kube, { name, labels: isObject(object) ? labelsOf(object) : {} });
}

export function namespaceFacts(kube: Kube, { name, labels }: { name: string; labels: NamespaceFacts['labels'] }): NamespaceFacts {
  return {
    labels,
    isRunNamespace: Object.entries(managedLabels).every(([key, value]) => labels[key] === value),
    isPlatformNamespace: name === platformNamespace(kube),
  };
}

/** Of the pod, or of the kubeconfig's context. */
function platformNamespace({ config }: Kube): string | undefined {
  return config.getContextObject(config.getCurrentContext())?.namespace;
}
