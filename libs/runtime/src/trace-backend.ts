/** The only file that knows OpenTelemetry; `startTracing` loads it when tracing is on. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  context,
  createContextKey,
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as OtelSpan,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Logger } from 'pino';
import { runSpanIdOf, traceIdOf, type Span, type SpanOptions, type TraceBackend } from './trace-context.ts';

export interface BackendOptions {
  readonly serviceName: string;
  readonly endpoint: string;
  readonly log: Logger;
}

/** How long disposing waits for a collector that hangs; its connection may hold a process that does not exit by itself for `exportTimeoutMs`. */
const lastFlushMs = 1_000;
const exportTimeoutMs = 3_000;
const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER } as const;

export function startBackend({ serviceName, endpoint, log }: BackendOptions): TraceBackend {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: exportTimeoutMs });
  const sdk = new NodeSDK({
    serviceName,
    traceExporter: sayingWhenItFails(exporter, log),
    idGenerator: {
      generateTraceId: () => wantedIds()?.traceId ?? randomBytes(16).toString('hex'),
      generateSpanId: () => wantedIds()?.spanId ?? randomBytes(8).toString('hex'),
    },
    autoDetectResources: false, // would send the command line of the process
    logRecordProcessors: [],
    metricReaders: [],
  });
  sdk.start();
  const tracer = trace.getTracer('codex-k8s');
  return {
    start: (name, options) => {
      const { parent, ids, link } = placeOf(options);
      const start = (): OtelSpan =>
        tracer.startSpan(
          name,
          { kind: kinds[options.kind ?? 'internal'], attributes: { ...options.attributes }, links: link ? [{ context: link }] : [] },
          parent,
        );
      return wrap(ids ? context.with(context.active().setValue(idsKey, ids), start) : start());
    },
    active: () => {
      const active = trace.getSpanContext(context.active());
      if (!active) return undefined;
      const { traceId, spanId, traceFlags } = active;
      return { traceparent: `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`, traceId, spanId };
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([sdk.shutdown().catch(() => undefined), sleep(lastFlushMs, undefined, { ref: false })]);
      trace.disable();
      context.disable();
    },
  };
}

interface Ids {
  readonly traceId: string;
  readonly spanId: string;
}

/** How `start` hands the ids of one span to the generator, which takes no argument. */
const idsKey = createContextKey('codex-k8s ids');

function wantedIds(): Ids | undefined {
  return context.active().getValue(idsKey) as Ids | undefined; // set by `start` only
}

interface Place {
  readonly parent: Context;
  readonly ids?: Ids;
  /** The span that was active, when the new one belongs to another trace. */
  readonly link?: SpanContext | undefined;
}

function placeOf({ correlationId, traceparent, begins }: SpanOptions): Place {
  const active = context.active();
  const caller = parseTraceparent(traceparent);
  if (caller) return { parent: trace.setSpanContext(active, caller) };
  if (correlationId === undefined) return { parent: active };
  const traceId = traceIdOf(correlationId);
  const runSpanId = runSpanIdOf(correlationId);
  const around = trace.getSpanContext(active);
  const isInside = around?.traceId === traceId;
  if (begins) {
    const spanId = begins === 'run' ? runSpanId : randomBytes(8).toString('hex');
    return { parent: isInside ? active : trace.deleteSpan(active), ids: { traceId, spanId }, link: isInside ? undefined : around };
  }
  if (isInside) return { parent: active };
  const runSpan = { traceId, spanId: runSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return { parent: trace.setSpanContext(active, runSpan), link: around };
}

function parseTraceparent(value: string | undefined): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(value ?? '') ?? [];
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(found) ? found : undefined;
}

function wrap(span: OtelSpan): Span {
  const own = trace.setSpan(context.active(), span);
  return {
    set: (attributes) => void span.setAttributes({ ...attributes }),
    fail: (code) => {
      span.setAttribute('error.type', code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    },
    enter: (act) => context.with(own, act),
    end: () => span.end(),
  };
}

type Exporter = Pick<OTLPTraceExporter, 'export' | 'shutdown' | 'forceFlush'>;

/** Lost spans fail nothing, but a person should hear of it: once when it begins, once when it ends. */
function sayingWhenItFails(exporter: OTLPTraceExporter, log: Logger): Exporter {
  let isFailing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !isFailing) log.warn({ err: result.error }, 'traces cannot be sent');
        if (!failed && isFailing) log.info('traces are sent again');
        isFailing = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
}
