/**
 * Traces of the path from a delivery to the pull request, off unless an OTLP endpoint is set (docs/operations.md). The trace id of a run is
 * the UUID in its correlation id, and the span that creates the run has an id derived from it: a worker that picks the run up from the
 * database knows its parent without a column for it, and a log line's correlation id finds the trace. Rejected: storing a `traceparent`
 * with the run, which needs a migration to say what the correlation id says already.
 *
 * OpenTelemetry costs 300 ms and 40 MB, so it is imported only when it is on; the functions here do nothing until then. Like its own API
 * they reach the process's one backend: a span belongs to whatever code is running, not to an argument that every function would hand on.
 */
import { isAppError } from '@codex-k8s/domain';
import type { Logger } from 'pino';
import type { Span, SpanOptions, TraceBackend } from './trace-context.ts';

let backend: TraceBackend | undefined;

export interface TracingOptions {
  readonly serviceName: string;
  /** Base address of an OTLP/HTTP collector; undefined: no traces. */
  readonly endpoint: string | undefined;
  readonly log: Logger;
}

/** Call it before anything else is started. Disposing sends what is left, within a second. */
export async function startTracing({ serviceName, endpoint, log }: TracingOptions): Promise<AsyncDisposable> {
  if (endpoint === undefined) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const { startBackend } = await import('./trace-backend.ts');
  const started = startBackend({ serviceName, endpoint, log });
  backend = started;
  return {
    async [Symbol.asyncDispose]() {
      backend = undefined;
      await started[Symbol.asyncDispose]();
    },
  };
}

export function isTracing(): boolean {
  return backend !== undefined;
}

const noSpan: Span = { set: () => undefined, fail: () => undefined, enter: (act) => act(), end: () => undefined };

/** For a span whose end is another event; `inSpan` otherwise. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  return backend?.start(name, options) ?? noSpan;
}

/** A failure of `act` is the span's status, by its code. */
export async function inSpan<T>(name: string, options: SpanOptions, act: (span: Span) => Promise<T>): Promise<T> {
  const span = startSpan(name, options);
  try {
    return await span.enter(() => act(span));
  } catch (error) {
    span.fail(isAppError(error) ? error.code : error instanceof Error ? error.name : 'unknown');
    throw error;
  } finally {
    span.end();
  }
}

/** The active span for another process: header and, in capitals, environment variable of W3C Trace Context. */
export function traceHeaders(): { traceparent?: string } {
  const active = backend?.active();
  return active ? { traceparent: active.traceparent } : {};
}

/** Fields of a log line that is written inside a span. */
export function traceFields(): { trace_id?: string; span_id?: string } {
  const active = backend?.active();
  return active ? { trace_id: active.traceId, span_id: active.spanId } : {};
}

export interface TracedRun {
  readonly id: string;
  readonly correlationId: string;
  readonly attempt: number;
  readonly agentKey: string;
  readonly runKind: string;
}

/** What a span of a run needs to be in the run's trace. */
export function ofRun({ id, correlationId, attempt, agentKey, runKind }: TracedRun): SpanOptions {
  return {
    correlationId,
    attributes: {
      'codexk8s.run.id': id,
      'codexk8s.run.attempt': attempt,
      'codexk8s.run.kind': runKind,
      'gen_ai.agent.name': agentKey,
    },
  };
}

/** Say it once for each run that came to be: later work of any process is shown under this span. */
export function traceNewRun(run: TracedRun): void {
  startSpan('create run', { ...ofRun(run), begins: 'run' }).end();
}
