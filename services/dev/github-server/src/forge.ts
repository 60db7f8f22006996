import type { Logger } from '@codex-k8s/runtime';
import type { Store } from './store/store.ts';

export interface Urls {
  /** Where people and git go, without a trailing slash. */
  readonly html: string;
  /** Where the REST API is: `…/api/v3`. */
  readonly api: string;
}

/** What presenting a thing needs. */
export interface View {
  readonly store: Store;
  readonly urls: Urls;
}

/** What every use case needs. */
export interface Forge extends View {
  readonly dataDir: string;
  readonly log: Logger;
  /** Called when deliveries were queued; they are in the store already. */
  readonly wakeDeliveries: (hookId: number) => void;
  /** Runs jobs of one repository one after the other. */
  readonly inOrder: <T>(repositoryId: number, job: () => Promise<T>) => Promise<T>;
}

export function now(): string {
  return rfc3339(new Date());
}

/** Whole seconds, as GitHub writes times. */
export function rfc3339(date: Date): string {
  return date.toISOString().replace(/[.]\d{3}Z$/, 'Z');
}
