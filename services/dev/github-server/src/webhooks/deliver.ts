import type { Logger } from '@codex-k8s/runtime';
import { now } from '../forge.ts';
import type { DeliveryRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';

const timeoutMs = 10_000;
const keptResponseChars = 64_000;

/**
 * Sends queued deliveries: in order for one hook, hooks side by side, one attempt each (GitHub never retries by itself). The queue is the
 * store, so what a killed process left is sent by the next one; an attempt cut off in the middle is sent again with the same guid.
 */
export interface Deliverer {
  wake(hookId: number): void;
  pause(): void;
  resume(): void;
  /** Resolves when nothing is queued (or deliveries are paused). */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export function startDeliverer(store: Store, log: Logger): Deliverer {
  const stop = new AbortController();
  const busy = new Map<number, Promise<void>>();
  const gate = { paused: false };

  /** Of each hook, a delivery that was attempted with all before it: what is behind need not be read again. */
  const doneUpTo = new Map<number, number>();
  function nextOf(hookId: number): DeliveryRecord | undefined {
    for (;;) {
      const delivery = store.deliveries.next(hookId, doneUpTo.get(hookId) ?? 0);
      if (!delivery || delivery.queued) return delivery;
      doneUpTo.set(hookId, delivery.id);
    }
  }

  async function drain(hookId: number): Promise<void> {
    while (!gate.paused && !stop.signal.aborted) {
      const delivery = nextOf(hookId);
      if (!delivery) return;
      const outcome = await attempt(delivery, stop.signal);
      if (stop.signal.aborted) return; // it stays queued for the next start
      record(store, delivery, outcome);
      log.debug({ hookId, event: delivery.event, guid: delivery.guid, statusCode: outcome.statusCode }, 'webhook delivered');
    }
  }

  function wake(hookId: number): void {
    if (gate.paused || stop.signal.aborted || busy.has(hookId)) return;
    const work = drain(hookId)
      .catch((error: unknown) => log.error({ err: error, hookId }, 'webhook queue failed'))
      .finally(() => busy.delete(hookId));
    busy.set(hookId, work);
  }

  // A change may be in a transaction that is not committed yet: look after the current turn.
  const wakeSoon = (hookId: number): void => void setImmediate(wake, hookId);
  const wakeAll = (): void => {
    for (const { id } of store.hooks.all()) wakeSoon(id);
  };
  wakeAll();
  return {
    wake: wakeSoon,
    pause: () => {
      gate.paused = true;
    },
    resume: () => {
      gate.paused = false;
      wakeAll();
    },
    idle: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      while (busy.size > 0) {
        await Promise.all(busy.values());
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    close: async () => {
      stop.abort();
      await Promise.all(busy.values());
    },
  };
}

interface Outcome {
  readonly statusCode: number;
  readonly status: string;
  readonly durationSec: number;
  readonly responseHeaders: Record<string, string>;
  readonly responseBody: string;
}

async function attempt({ url, requestHeaders, payload }: DeliveryRecord, stop: AbortSignal): Promise<Outcome> {
  const startedAt = performance.now();
  const seconds = (): number => Math.round(performance.now() - startedAt) / 1000;
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { method: 'POST', headers: requestHeaders, body: payload, redirect: 'manual', signal });
    const responseBody = (await response.text()).slice(0, keptResponseChars);
    return {
      statusCode: response.status,
      status: response.ok ? 'OK' : response.statusText || `Invalid HTTP Response: ${response.status}`,
      durationSec: seconds(),
      responseHeaders: Object.fromEntries(response.headers),
      responseBody,
    };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    const status = timedOut ? 'timed out' : 'failed to connect to host';
    return { statusCode: 0, status, durationSec: seconds(), responseHeaders: {}, responseBody: '' };
  }
}

function record(store: Store, delivery: DeliveryRecord, outcome: Outcome): void {
  store.transaction(() => {
    store.deliveries.change(delivery, { ...outcome, queued: false, deliveredAt: now() });
    const hook = store.hooks.get(delivery.hookId);
    if (!hook) return;
    const { statusCode } = outcome;
    const status = statusCode === 0 ? outcome.status.replaceAll(' ', '_') : statusCode < 400 ? 'active' : 'unused';
    store.hooks.change(hook, { lastResponse: { code: statusCode || null, status, message: outcome.status } });
  });
}
