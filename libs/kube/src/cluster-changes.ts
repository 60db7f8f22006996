/** Changes by a person: planned on what is there, tried by the API server, applied only on exactly what was shown. */
import { AppError, clusterKinds, partOfLabel, platformName, type ObjectLabels } from '@codex-k8s/domain';
import type { Kube } from './client.ts';
import { asObject, clusterObject, isSecret, labelsOf, readObject, type ClusterObject } from './cluster-object.ts';
import { describeRef, listPath, objectPath, resourceOf, type ObjectRef } from './cluster-resources.ts';
import { askKubeJson } from './kube-request.ts';
import { isObject, type JsonObject } from './json.ts';
import { mergePatch, patchedPaths } from './merge-patch.ts';
import { fromYaml, shownPart, unprocessable } from './object-yaml.ts';

/** Its own manager, so that the object says who changed which field. */
const consoleManager = 'codex-k8s-console';

export interface UpdatePlan {
  readonly before: ClusterObject;
  readonly askedLabels: ObjectLabels;
  /** Undefined: the text says what is there already. */
  readonly patch: JsonObject | undefined;
  /** Names of changed fields, no values. */
  readonly changes: readonly string[];
}

/** `kube.conflict`: the object is no longer the one whose text was edited. */
export async function planUpdate(
  kube: Kube,
  { ref, yaml, resourceVersion }: { ref: ObjectRef; yaml: string; resourceVersion: string },
): Promise<UpdatePlan> {
  const present = await readObject(kube, ref);
  const before = clusterObject(ref, present);
  if (before.resourceVersion !== resourceVersion) throw changedMeanwhile(ref);
  const asked = fromYaml(yaml);
  const shown = shownPart(present, { isSecret: isSecret(ref) });
  refuseOtherIdentity(shown, asked);
  if (isSecret(ref) && ('data' in asked || 'stringData' in asked)) {
    throw new AppError('cluster.secret_values', `${describeRef(ref)}: data and stringData cannot be changed here.`, { field: 'body.yaml' });
  }
  const { status: _status, ...editable } = asked;
  const patch = mergePatch(shown, editable);
  return { before, askedLabels: labelsOf(asked), patch, changes: patch ? patchedPaths(patch) : [] };
}

/** A patch must not become a change of another object than the one on the page. */
function refuseOtherIdentity(shown: JsonObject, asked: JsonObject): void {
  const [old, metadata] = [shown['metadata'], asked['metadata']];
  for (const name of ['apiVersion', 'kind']) {
    if (asked[name] !== shown[name]) throw unprocessable(`${name} cannot be changed.`);
  }
  if (!isObject(old) || !isObject(metadata)) throw unprocessable('metadata is missing.');
  for (const name of ['name', 'namespace', 'uid', 'creationTimestamp']) {
    if (metadata[name] !== old[name]) throw unprocessable(`metadata.${name} cannot be changed.`);
  }
}

/** The object as it is, or with `dryRun` as it would be, afterwards. */
export async function sendUpdate(kube: Kube, { before, patch }: UpdatePlan, { dryRun }: { dryRun: boolean }): Promise<ClusterObject> {
  if (!patch) return before;
  const metadata = { ...(isObject(patch['metadata']) && patch['metadata']), resourceVersion: before.resourceVersion };
  const changed = await askKubeJson(kube, {
    what: describeRef(before),
    path: objectPath(before),
    method: 'PATCH',
    query: { fieldManager: consoleManager, fieldValidation: 'Strict', ...(dryRun && { dryRun: 'All' }) },
    body: { ...patch, metadata },
    contentType: 'application/merge-patch+json',
    isSecret: isSecret(before),
  });
  return clusterObject(before, asObject(before, changed));
}

/** What it owns goes with it. `kube.conflict`: another object has taken the name. */
export async function sendDelete(kube: Kube, { ref, uid, dryRun }: { ref: ObjectRef; uid: string; dryRun: boolean }): Promise<void> {
  await askKubeJson(kube, {
    what: describeRef(ref),
    path: objectPath(ref),
    method: 'DELETE',
    body: {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: { uid },
      ...(dryRun && { dryRun: ['All'] }),
    },
    isSecret: isSecret(ref),
  });
}

/** A namespace takes everything in it along, also what alone could not be deleted. */
export async function holdsPlatformObjects(kube: Kube, namespace: string): Promise<boolean> {
  for (const kind of clusterKinds.filter((one) => resourceOf(one).isNamespaced)) {
    const list = await askKubeJson(kube, {
      what: `The platform's ${kind} in ${namespace}`,
      path: listPath(kind, namespace),
      query: { labelSelector: `${partOfLabel}=${platformName}`, limit: 1 },
      accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    });
    if (isObject(list) && Array.isArray(list['items']) && list['items'].length > 0) return true;
  }
  return false;
}

export function changedMeanwhile(ref: ObjectRef): AppError {
  return new AppError('kube.conflict', `${describeRef(ref)} has been changed meanwhile.`);
}
