import { AppError, createRedactor, isAppError } from '@codex-k8s/domain';
import type { Kube } from './client.ts';
import { readObject } from './cluster-object.ts';
import { describeRef, listPath, objectPath, type ObjectRef } from './cluster-resources.ts';
import { askKube, askKubeJson } from './kube-request.ts';
import { isObject, objectsIn, textOf, type JsonObject } from './json.ts';

export interface LogQuery {
  /** A pod, or a Job whose pods are looked up. */
  readonly ref: ObjectRef;
  /** Of a Job; its newest one otherwise. */
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
  readonly tailLines: number;
  /** Of the container before its last restart. */
  readonly previous: boolean;
}

export interface ContainerLog {
  readonly pod: string;
  /** Newest first. */
  readonly pods: readonly string[];
  readonly container: string;
  readonly containers: readonly string[];
  readonly lines: readonly { readonly at: Date | undefined; readonly text: string }[];
  /** Older lines exist, or may exist. */
  readonly isCut: boolean;
}

const maxBytes = 1024 * 1024;
const defaultContainer = 'kubectl.kubernetes.io/default-container';

/** The end of a container's log, tokens taken out. `kube.no_logs`: there is none to read now. */
export async function readContainerLog(kube: Kube, { ref, pod: wanted, container, tailLines, previous }: LogQuery): Promise<ContainerLog> {
  const pods = ref.kind === 'jobs' ? await podsOfJob(kube, ref) : [await readObject(kube, ref)];
  const pod = wanted === undefined ? pods[0] : pods.find((one) => nameOf(one) === wanted);
  if (!pod) throw new AppError('kube.no_logs', `${describeRef(ref)} has no ${wanted === undefined ? 'pod' : `pod ${wanted}`}.`);
  // Of such a pod the API server answers with an empty log.
  if (!isScheduled(pod)) throw new AppError('kube.no_logs', `Pod ${nameOf(pod)} is on no node yet.`);
  const containers = containersOf(pod);
  const name = container ?? defaultOf(pod) ?? containers[0] ?? '';
  if (!containers.includes(name)) throw new AppError('kube.no_logs', `Pod ${nameOf(pod)} has no container ${name}.`);
  const podRef = { kind: 'pods', namespace: ref.namespace, name: nameOf(pod) } as const;
  const { text, lines } = await readTail(kube, { ref: podRef, container: name, tailLines, previous });
  const shown = linesOf(text);
  return {
    pod: podRef.name,
    pods: pods.map(nameOf),
    container: name,
    containers,
    lines: shown,
    isCut: lines < tailLines || shown.length >= tailLines,
  };
}

async function podsOfJob(kube: Kube, ref: ObjectRef): Promise<JsonObject[]> {
  const { metadata } = await readObject(kube, ref);
  const uid = isObject(metadata) ? textOf(metadata['uid']) : '';
  const list = await askKubeJson(kube, {
    what: `Pods of ${describeRef(ref)}`,
    path: listPath('pods', ref.namespace),
    query: { labelSelector: `batch.kubernetes.io/controller-uid=${uid}`, limit: 50 },
  });
  const pods = isObject(list) ? objectsIn(list['items']) : [];
  return pods.toSorted((a, b) => createdAt(b).localeCompare(createdAt(a)));
}

interface Tail {
  readonly ref: ObjectRef;
  readonly container: string;
  readonly tailLines: number;
  readonly previous: boolean;
}

/** The node cuts a long answer at its end, which is the part that is wanted: then fewer lines are asked for. */
async function readTail(kube: Kube, { ref, container, tailLines, previous }: Tail): Promise<{ text: string; lines: number }> {
  for (let lines = tailLines; ; lines = Math.max(1, Math.floor(lines / 8))) {
    const text = await askKube(kube, {
      what: describeRef(ref),
      path: `${objectPath(ref)}/log`,
      query: { container, tailLines: lines, limitBytes: maxBytes, timestamps: true, ...(previous && { previous }) },
      accept: '*/*',
    }).catch((error: unknown) => {
      throw asNoLogs(error);
    });
    if (Buffer.byteLength(text) < maxBytes || lines === 1) return { text, lines };
  }
}

/** A container that did not start, a node that does not answer: the log is not there, the cluster is. */
function asNoLogs(error: unknown): unknown {
  const status = isAppError(error) ? error.details['status'] : undefined;
  const isAboutLogs = status === 400 || (typeof status === 'number' && status >= 500);
  return isAppError(error) && isAboutLogs ? new AppError('kube.no_logs', error.message) : error;
}

function linesOf(text: string): ContainerLog['lines'] {
  const lines = createRedactor([]).redact(text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => {
    const space = line.indexOf(' ');
    const at = new Date(space < 0 ? line : line.slice(0, space));
    return Number.isNaN(at.getTime()) ? { at: undefined, text: line } : { at, text: space < 0 ? '' : line.slice(space + 1) };
  });
}

function nameOf({ metadata }: JsonObject): string {
  return isObject(metadata) ? textOf(metadata['name']) : '';
}

function isScheduled({ spec }: JsonObject): boolean {
  return isObject(spec) && Boolean(spec['nodeName']);
}

function createdAt({ metadata }: JsonObject): string {
  return isObject(metadata) ? textOf(metadata['creationTimestamp']) : '';
}

function defaultOf({ metadata }: JsonObject): string | undefined {
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  const name = isObject(annotations) ? annotations[defaultContainer] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** Init containers last: they are rarely the ones that are asked for. */
function containersOf({ spec }: JsonObject): string[] {
  const lists = isObject(spec) ? [spec['containers'], spec['initContainers'], spec['ephemeralContainers']] : [];
  return lists.flatMap(objectsIn).map(({ name }) => textOf(name));
}
