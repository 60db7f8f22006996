import { createHash } from 'node:crypto';

/** Facts about a span. Never a text of a person or an agent, never a secret: traces leave the platform. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** Names the trace; without it the span belongs to the one that is active. */
  readonly correlationId?: string;
  /** The caller's span (W3C), from a header or an environment variable. */
  readonly traceparent?: string | undefined;
  /** `trace`: nobody asked for it, so the trace of the correlation id begins here. `run`: later work of the run hangs on this span. */
  readonly begins?: 'trace' | 'run';
  readonly kind?: 'internal' | 'server';
  readonly attributes?: SpanAttributes;
}

export interface Span {
  set(attributes: SpanAttributes): void;
  /** `code`: an error code of ours, an HTTP status or the name of an exception; never its message. */
  fail(code: string): void;
  /** What runs in `act`, now and later, has this span as its parent. */
  enter<T>(act: () => T): T;
  end(): void;
}

/** What `startTracing` loads when tracing is on. */
export interface TraceBackend extends AsyncDisposable {
  start(name: string, options: SpanOptions): Span;
  /** The active span as a W3C header value and as fields of a log line. */
  active(): { readonly traceparent: string; readonly traceId: string; readonly spanId: string } | undefined;
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

/** The 128 bits of the UUID in a correlation id; a retry and a review share it with what they belong to. Otherwise a hash. */
export function traceIdOf(correlationId: string): string {
  const found = uuid.exec(correlationId)?.[0].replaceAll('-', '').toLowerCase();
  return found !== undefined && /[1-9a-f]/.test(found) ? found : digest('trace', correlationId, 32);
}

/** The span that creates the run with this correlation id: parent of whatever other processes do for the run. */
export function runSpanIdOf(correlationId: string): string {
  return digest('run', correlationId, 16);
}

function digest(word: string, correlationId: string, hexDigits: number): string {
  return createHash('sha256').update(`${word}/${correlationId}`).digest('hex').slice(0, hexDigits);
}
