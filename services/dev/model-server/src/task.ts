import type { Dialect, ToolCall } from './dialect.ts';

export type Decision =
  | { readonly kind: 'call'; readonly call: ToolCall; readonly waitMs: number }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'refuse'; readonly status: number }
  | { readonly kind: 'hang' };

export interface Asked {
  readonly call: ToolCall;
  /** Milliseconds to wait before the call, so that polling does not spin. */
  readonly waitMs?: number;
  /** A person's next message may stand for the output. */
  readonly answerable?: boolean;
}

export interface Reply {
  readonly text: string;
  /** True: a person said it; false: the tool returned it. */
  readonly said: boolean;
}

export type Script = Generator<Asked, Exclude<Decision, { kind: 'call' }>, Reply>;

export interface Task {
  readonly prompt: string;
  readonly kind: 'work' | 'revise' | 'review';
  readonly issueNumber: number | undefined;
  readonly baseRef: string;
  readonly dialect: Dialect;
  /** Answers of people in order; they outlive a rebuilt workspace. */
  readonly answers: string[];
}
