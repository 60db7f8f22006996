export * from './config.ts';
export * from './envelope.ts';
export * from './logger.ts';
export * from './metrics.ts';
export * from './reconcilers.ts';
export * from './secret.ts';
export * from './shutdown.ts';
export * from './tracing.ts';
export type { Span, SpanAttributes, SpanOptions } from './trace-context.ts';
