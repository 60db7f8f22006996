import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import type { Usage } from './events.ts';
import type { InputItem } from './session.ts';

export type ModelFailure = 'unauthorized' | 'rate_limited' | 'unavailable' | 'rejected';

/** The endpoint did not give an answer. `status`: HTTP status, absent when none came. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly kind: ModelFailure;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: ModelFailure,
    message: string,
    { status, retryAfterMs, cause }: { status?: number; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface ModelOptions {
  readonly model: string;
  /** Ends in `/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly reasoningEffort: string | undefined;
  readonly instructions: string;
  readonly tools: readonly InputItem[];
  readonly signal: AbortSignal;
  /** Told before each repetition. */
  readonly onRetry?: (message: string, attempt: number, attempts: number) => void;
  /** First pause between attempts in milliseconds; it doubles. */
  readonly backoffMs?: number;
}

export interface ModelAnswer {
  readonly output: readonly InputItem[];
  readonly usage: Usage;
}

const attempts = 5;
const longestPauseMs = 30_000;

/** Asks for the next items, streamed. Repeats on 429, 5xx, broken streams and network failures; throws ModelError. */
export async function askModel(input: readonly InputItem[], options: ModelOptions): Promise<ModelAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askOnce(input, options);
    } catch (error) {
      if (!(error instanceof ModelError) || attempt === attempts || !mayRepeat(error)) throw error;
      options.onRetry?.(error.message, attempt, attempts - 1);
      const pause = error.retryAfterMs ?? (options.backoffMs ?? 500) * 2 ** (attempt - 1);
      await sleep(Math.min(pause, longestPauseMs), undefined, { signal: options.signal });
    }
  }
}

function mayRepeat({ kind, message }: ModelError): boolean {
  return kind === 'unavailable' || (kind === 'rate_limited' && !/quota/i.test(message));
}

async function askOnce(input: readonly InputItem[], options: ModelOptions): Promise<ModelAnswer> {
  const { model, baseUrl, apiKey, reasoningEffort, instructions, tools, signal } = options;
  const response = await reach(
    fetch(`${baseUrl.replace(/\/$/, '')}/responses`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        model,
        instructions,
        input,
        tools,
        tool_choice: 'auto',
        parallel_tool_calls: false,
        stream: true,
        store: false,
        include: ['reasoning.encrypted_content'],
        ...(reasoningEffort !== undefined && { reasoning: { effort: reasoningEffort } }),
      }),
      signal,
    }),
    signal,
  );
  if (!response.ok) throw await refusal(response, signal);
  if (!response.body) throw new ModelError('unavailable', 'the model endpoint sent no body');
  return readStream(response.body, signal);
}

/** Failures of the network become ModelError; an abort stays what it is. */
async function reach<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (signal.aborted || error instanceof ModelError) throw error;
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const detail = cause instanceof Error ? cause.message : message;
    throw new ModelError('unavailable', `the model endpoint is not reachable: ${detail}`, { cause: error });
  }
}

const Refusal = z.object({ error: z.object({ message: z.string() }) });

async function refusal(response: Response, signal: AbortSignal): Promise<ModelError> {
  const body = await reach(response.text(), signal);
  const { status } = response;
  const parsed = Refusal.safeParse(jsonOf(body));
  const text = parsed.success ? parsed.data.error.message : body.slice(0, 300);
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(retryAfter) ? { retryAfterMs: retryAfter * 1000 } : {};
  return new ModelError(kindOf(status), `unexpected status ${status}: ${text}`, { status, ...retryAfterMs });
}

function kindOf(status: number): ModelFailure {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 429) return 'rate_limited';
  return status >= 500 || status === 408 ? 'unavailable' : 'rejected';
}

const Tokens = z.object({
  input_tokens: z.number(),
  output_tokens: z.number(),
  input_tokens_details: z.object({ cached_tokens: z.number() }).nullish(),
});
const StreamEvent = z.union([
  z.object({
    type: z.literal('response.completed'),
    response: z.object({ output: z.array(z.record(z.string(), z.unknown())).default([]), usage: Tokens.nullish() }),
  }),
  z.object({ type: z.literal('response.output_item.done'), item: z.record(z.string(), z.unknown()) }),
  z.object({
    type: z.enum(['response.failed', 'response.incomplete']),
    response: z.object({
      error: z.object({ code: z.string().nullish(), message: z.string() }).nullish(),
      incomplete_details: z.unknown().optional(),
    }),
  }),
  z.object({ type: z.literal('error'), message: z.string().nullish(), code: z.string().nullish() }),
]);

async function readStream(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<ModelAnswer> {
  const items: InputItem[] = [];
  const found: ModelAnswer[] = [];
  const failures: ModelError[] = [];
  const parser = createParser({
    maxBufferSize: 64 * 1024 * 1024,
    onEvent: ({ data }) => {
      const parsed = StreamEvent.safeParse(jsonOf(data));
      if (!parsed.success) return; // an event that does not matter here
      const event = parsed.data;
      switch (event.type) {
        case 'response.output_item.done':
          items.push(event.item);
          break;
        case 'response.completed':
          found.push({ output: items.length > 0 ? items : event.response.output, usage: usageOf(event.response.usage) });
          break;
        case 'response.failed':
          failures.push(streamFailure(event.response.error?.code ?? '', event.response.error?.message ?? 'the response failed'));
          break;
        case 'response.incomplete':
          failures.push(
            new ModelError('rejected', `the response is incomplete: ${JSON.stringify(event.response.incomplete_details ?? null)}`),
          );
          break;
        case 'error':
          failures.push(streamFailure(event.code ?? '', event.message ?? 'the stream reported an error'));
          break;
      }
    },
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reach(reader.read(), signal);
      if (done) break;
      parser.feed(decoder.decode(value, { stream: true }));
      const [answer] = found;
      if (answer) return answer;
      const [failure] = failures;
      if (failure) throw failure;
    }
  } finally {
    reader.cancel().catch(() => undefined); // the answer is complete or lost either way
  }
  throw new ModelError('unavailable', 'stream closed before response.completed');
}

function streamFailure(code: string, message: string): ModelError {
  if (/rate_limit|quota/.test(code)) return new ModelError('rate_limited', `${code}: ${message}`);
  return new ModelError(/invalid|policy|context_length/.test(code) ? 'rejected' : 'unavailable', message);
}

function usageOf(tokens: z.infer<typeof Tokens> | null | undefined): Usage {
  return {
    input_tokens: tokens?.input_tokens ?? 0,
    cached_input_tokens: tokens?.input_tokens_details?.cached_tokens ?? 0,
    output_tokens: tokens?.output_tokens ?? 0,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
