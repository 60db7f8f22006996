import { getRunLogs, type LogLine, type RunLogs } from '@codex-k8s/contracts/staff';
import { onBeforeUnmount, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { unwrap, useApi, type EventStream } from '../../app/api.ts';
import { whileVisible } from '../../app/visibility.ts';
import { streamUrls, type Liveness } from '../run-stream.ts';
import { LogLines, pageLines } from './log-lines.ts';

const tailLines = 1_000;
const flushMs = 60;
const fallbackPollMs = 5_000;
const closed = 2; // EventSource.CLOSED

export interface RunLog {
  readonly lines: LogLines;
  /** Grows with every change of `lines`. */
  readonly version: Ref<number>;
  readonly state: ShallowRef<'loading' | 'ready' | 'failed'>;
  readonly error: ShallowRef<unknown>;
  readonly liveness: Ref<Liveness>;
  readonly facts: ShallowRef<Pick<RunLogs, 'truncated' | 'expired'>>;
  load: () => Promise<void>;
  ensure: (from: number, to: number) => void;
  search: (words: string, signal: AbortSignal) => Promise<number[]>;
}

/** The tail first, then the stream from there, and older pages when they come into view. */
export function useRunLog(runId: string, isFinal: () => boolean): RunLog {
  const api = useApi();
  const lines = new LogLines();
  const version = ref(0);
  const state = shallowRef<'loading' | 'ready' | 'failed'>('loading');
  const error = shallowRef<unknown>();
  const liveness = ref<Liveness>('connecting');
  const facts = shallowRef<Pick<RunLogs, 'truncated' | 'expired'>>({});
  let stream: EventStream | undefined;
  let arrived: LogLine[] = [];
  let flushTimer: ReturnType<typeof setTimeout> | undefined;
  let pollTimer: ReturnType<typeof setTimeout> | undefined;
  let gone = false;

  const ask = async (query: { after?: number; limit?: number; search?: string }, signal?: AbortSignal): Promise<RunLogs> =>
    unwrap(getRunLogs({ client: api.client, path: { run_id: runId }, query, ...(signal && { signal }) }));

  function add(items: readonly LogLine[], total?: number): void {
    lines.add(items, total);
    version.value += 1;
  }

  async function load(): Promise<void> {
    state.value = 'loading';
    try {
      const answer = await ask({ limit: tailLines });
      if (gone) return;
      facts.value = answer;
      add(answer.items, answer.total);
      state.value = 'ready';
      if (isFinal()) liveness.value = 'ended';
      else openStream();
    } catch (cause) {
      error.value = cause;
      state.value = 'failed';
    }
  }

  function flush(): void {
    clearTimeout(flushTimer);
    flushTimer = undefined;
    add(arrived);
    arrived = [];
  }

  function openStream(): void {
    flush(); // what has arrived counts for where to go on
    const address = api.client.buildUrl({ url: streamUrls.logs, path: { run_id: runId }, query: { after: lines.last } });
    const current = api.openStream(address);
    stream = current;
    current.addEventListener('open', () => (liveness.value = 'live'));
    current.addEventListener('log', (message) => {
      arrived.push(JSON.parse(message.data) as LogLine); // the contract's data
      flushTimer ??= setTimeout(flush, flushMs); // a burst of lines is one repaint
    });
    current.addEventListener('end', () => {
      current.close();
      liveness.value = 'ended';
    });
    current.addEventListener('error', () => {
      liveness.value = 'polling';
      if (current.readyState === closed) pollTimer = setTimeout(() => void poll(), fallbackPollMs);
    });
  }

  async function poll(): Promise<void> {
    try {
      const answer = await ask({ after: lines.last, limit: 2_000 });
      if (gone) return;
      add(answer.items, answer.total);
      if (!isFinal()) return openStream();
      liveness.value = 'ended';
    } catch {
      if (!gone) pollTimer = setTimeout(() => void poll(), fallbackPollMs); // the header says that the page is not live
    }
  }

  async function loadPage(page: number): Promise<void> {
    try {
      const { items, total } = await ask({ after: page * pageLines, limit: pageLines });
      if (!gone) add(items, total);
    } catch {
      lines.forget(page); // the next scroll asks again
    }
  }

  whileVisible({
    pause: () => {
      clearTimeout(pollTimer);
      stream?.close();
      stream = undefined;
    },
    resume: () => {
      if (!stream && state.value === 'ready' && liveness.value !== 'ended') openStream();
    },
  });
  onBeforeUnmount(() => {
    gone = true;
    stream?.close();
    clearTimeout(flushTimer);
    clearTimeout(pollTimer);
  });

  return {
    lines,
    version,
    state,
    error,
    liveness,
    facts,
    load,
    ensure: (from, to) => {
      for (const page of lines.missingPages(from, to)) void loadPage(page);
    },
    search: async (words, signal) => {
      const { items } = await ask({ search: words, limit: 2_000 }, signal);
      add(items);
      return items.map(({ n }) => n);
    },
  };
}
