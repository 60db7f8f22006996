/** What the client process is told, and what it prints. */
import type { Target } from './deliveries.ts';

export interface Load extends Target {
  readonly url: string;
  readonly firstIssue: number;
  readonly count: number;
  readonly loop: { readonly connections: number } | { readonly perSecond: number };
}

export interface Outcome {
  /** Answers by status; 0 is no answer. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly latenciesMs: readonly number[];
  readonly elapsedMs: number;
}
