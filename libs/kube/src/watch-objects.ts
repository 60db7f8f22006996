import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@codex-k8s/domain';
import { ListWatch, Watch, type KubernetesListObject, type KubernetesObject } from '@kubernetes/client-node';
import type { Kube } from './client.ts';
import { knownObjects } from './known-objects.ts';

export interface WatchInput<T extends KubernetesObject> {
  /** Of the list, such as `/apis/batch/v1/jobs`. */
  readonly path: string;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly list: () => Promise<KubernetesListObject<T>>;
  /** Hears of every lost connection; it is opened again by itself. */
  readonly onError: (error: unknown) => void;
  readonly onChange?: ((object: T) => void) | undefined;
  readonly onGone?: ((object: Known<T>) => void) | undefined;
  /** What `of` finds objects by. */
  readonly groupOf?: ((object: T) => string | undefined) | undefined;
}

/** What is kept of an object. Whoever needs more hears it as it comes, or asks the cluster. */
export type Known<T> = Pick<T, Extract<keyof T, KeptField>>;

const keptFields = ['metadata', 'status'] as const;
type KeptField = (typeof keptFields)[number];

/** What the cluster holds of one kind, kept up to date by a watch: asking costs no request. */
export interface Watched<T> extends AsyncDisposable {
  /** Everything, once the first list has arrived; `kube.unavailable` when that takes too long. */
  all(): Promise<readonly Known<T>[]>;
  /** As `all`, but only those of a group. */
  of(group: string): Promise<readonly Known<T>[]>;
  /** What an act of our own has just returned, so that the next question sees it although the watch may be late. */
  put(object: T): void;
}

const firstListMs = 20_000;
const reconnectMs = 1_000;

/** The client library's informer, which lists again after 410; a lost connection is opened again from where it was. */
export function watchObjects<T extends KubernetesObject>(
  { config }: Kube,
  { path, labelSelector, fieldSelector, list, onError, onChange, onGone, groupOf = () => undefined }: WatchInput<T>,
): Watched<T> {
  const known = knownObjects(groupOf);
  const informer = new ListWatch<T>(path, new Watch(config), list, false, labelSelector, fieldSelector);
  const stopped = new AbortController();
  const first = Promise.withResolvers<void>();
  let hasFailed = false;

  const see = (object: T): void => {
    known.put(object);
    try {
      onChange?.(object);
    } catch (error) {
      onError(error); // an object nobody expected must not end the process
    }
    lighten(object);
  };
  informer.on('add', see);
  informer.on('update', see);
  informer.on('delete', (object) => {
    known.remove(object);
    onGone?.(object);
  });
  informer.on('error', (error: unknown) => {
    hasFailed = true;
    if (stopped.signal.aborted) return;
    onError(error);
    setTimeout(() => void start(), reconnectMs).unref();
  });

  async function start(): Promise<void> {
    if (stopped.signal.aborted) return;
    hasFailed = false;
    await informer.start(); // never rejects: the listener above is told
    if (!hasFailed) first.resolve();
  }
  void start();

  async function listed(): Promise<void> {
    const isThere = await Promise.race([first.promise.then(() => true), sleep(firstListMs, false, { ref: false })]);
    if (!isThere) throw new AppError('kube.unavailable', `The cluster has not listed ${path} yet.`);
  }

  return {
    all: async () => {
      await listed();
      return known.all();
    },
    of: async (group) => {
      await listed();
      return known.of(group);
    },
    put: (object) => known.put(object),
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await informer.stop();
    },
  };
}

/**
 * The client library keeps every object for as long as the cluster has it, and thousands of specifications and an hour of events are most of a worker's
 * memory. Fields stay and are empty: an object that loses a field takes more than before, since its shape is then its own.
 */
function lighten(object: KubernetesObject): void {
  if (object.metadata) object.metadata.managedFields = undefined;
  const kept: readonly string[] = keptFields;
  for (const field of Object.keys(object)) if (!kept.includes(field)) Reflect.set(object, field, undefined);
}
