/** What the worker does with namespaces of runs. Each function is safe to repeat. */
import { AppError } from '@codex-k8s/domain';
import type { V1Namespace } from '@kubernetes/client-node';
import { applyObject, found, type Kube } from './client.ts';
import { namespaceObjects, type NamespaceInput } from './manifests/run-namespace.ts';
import { managedLabels } from './words.ts';

/** Returns its UID. `kube.not_ours`: it is there without the managed labels. `kube.namespace_terminating`: it is going away. */
export async function applyRunNamespace(kube: Kube, input: NamespaceInput): Promise<string> {
  const { namespace: name } = input;
  const present = await readNamespace(kube, name);
  if (present && !isManaged(present)) throw new AppError('kube.not_ours', `The namespace ${name} exists and is not the platform's.`);
  if (present?.metadata?.deletionTimestamp) throw new AppError('kube.namespace_terminating', `The namespace ${name} is being deleted.`);
  const [namespace, ...content] = namespaceObjects(input);
  const { metadata } = await applyObject(kube, namespace);
  for (const object of content) await applyObject(kube, object);
  return metadata?.uid ?? '';
}

/**
 * Deletes the namespace with everything in it, if it carries both managed labels and is the very one that was made: `kube.not_ours` otherwise.
 * Returns `gone` once nothing is left of it; until then it is `leaving`.
 */
export async function deleteRunNamespace(kube: Kube, { name, uid }: { name: string; uid: string }): Promise<'gone' | 'leaving'> {
  const present = await readNamespace(kube, name);
  if (!present) return 'gone';
  if (!isManaged(present)) throw new AppError('kube.not_ours', `The namespace ${name} does not carry the labels of the platform.`);
  if (present.metadata?.uid !== uid) throw new AppError('kube.not_ours', `The namespace ${name} is another one than the platform made.`);
  if (!present.metadata.deletionTimestamp) {
    await found(`Namespace ${name}`, () => kube.core.deleteNamespace({ name, body: { preconditions: { uid } } }));
  }
  return 'leaving';
}

/** The UID of a namespace that carries both managed labels. */
export async function findRunNamespace(kube: Kube, name: string): Promise<string | undefined> {
  const present = await readNamespace(kube, name);
  return present && isManaged(present) ? present.metadata?.uid : undefined;
}

function readNamespace(kube: Kube, name: string): Promise<V1Namespace | undefined> {
  return found(`Namespace ${name}`, () => kube.core.readNamespace({ name }));
}

function isManaged({ metadata }: V1Namespace): boolean {
  return Object.entries(managedLabels).every(([key, value]) => metadata?.labels?.[key] === value);
}
