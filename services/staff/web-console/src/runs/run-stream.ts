import type { FlowEvent, RunDetails, StreamRunData, StreamRunLogsData } from '@codex-k8s/contracts/staff';
import { useQueryClient } from '@tanstack/vue-query';
import { computed, onBeforeUnmount, ref, toValue, watch, type ComputedRef, type MaybeRefOrGetter } from 'vue';
import { useApi, type EventStream } from '../app/api.ts';
import { whileVisible } from '../app/visibility.ts';
import { runKeys } from './run-queries.ts';

/** `polling`: the stream does not work just now, the page asks every few seconds instead. */
export type Liveness = 'connecting' | 'live' | 'polling' | 'ended';

export const streamUrls = {
  run: '/staff/runs/{run_id}/stream' satisfies StreamRunData['url'],
  logs: '/staff/runs/{run_id}/logs/stream' satisfies StreamRunLogsData['url'],
} as const;

const fallbackPollMs = 5_000;
const reopenMs = 15_000;
const closed = 2; // EventSource.CLOSED: the browser will not try again by itself

/** Keeps a run and its events up to date in place: they live in the query cache, the stream only writes there. */
export function useRunStream(runId: MaybeRefOrGetter<string>): { liveness: ComputedRef<Liveness>; pollMs: ComputedRef<number | false> } {
  const api = useApi();
  const queries = useQueryClient();
  const liveness = ref<Liveness>('connecting');
  let stream: EventStream | undefined;
  let reopen: ReturnType<typeof setTimeout> | undefined;

  function addEvent(id: string, event: FlowEvent): void {
    queries.setQueryData<FlowEvent[]>(runKeys.events(id), (known) => {
      if (!known || known.some(({ id: knownId }) => knownId === event.id)) return known;
      return [...known, event];
    });
  }

  function open(id: string): void {
    const known = queries.getQueryData<FlowEvent[]>(runKeys.events(id));
    const address = api.client.buildUrl({ url: streamUrls.run, path: { run_id: id }, query: { after: known?.at(-1)?.id ?? 0 } });
    const current = api.openStream(address);
    stream = current;
    current.addEventListener('open', () => {
      liveness.value = 'live';
      // What happened between the page's own answer and the stream is asked for once more.
      void queries.invalidateQueries({ queryKey: runKeys.events(id), exact: true });
    });
    current.addEventListener('run', (message) => {
      queries.setQueryData(runKeys.details(id), JSON.parse(message.data) as RunDetails); // the contract's data
    });
    current.addEventListener('event', (message) => addEvent(id, JSON.parse(message.data) as FlowEvent)); // the contract's data
    current.addEventListener('end', () => {
      close();
      liveness.value = 'ended';
      void queries.invalidateQueries({ queryKey: runKeys.details(id) });
    });
    current.addEventListener('error', () => {
      liveness.value = 'polling';
      if (current.readyState !== closed) return;
      current.close();
      reopen = setTimeout(() => open(id), reopenMs);
    });
  }

  function close(): void {
    clearTimeout(reopen);
    stream?.close();
    stream = undefined;
  }

  watch(
    () => toValue(runId),
    (id) => {
      close();
      liveness.value = 'connecting';
      open(id);
    },
    { immediate: true },
  );
  onBeforeUnmount(close);
  whileVisible({
    pause: close,
    resume: () => {
      if (!stream && liveness.value !== 'ended') open(toValue(runId));
    },
  });

  return {
    liveness: computed(() => liveness.value),
    pollMs: computed(() => (liveness.value === 'polling' ? fallbackPollMs : false)),
  };
}
