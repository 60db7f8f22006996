export * from './config.ts';
export * from './envelope.ts';
export * from './logger.ts';
export * from './metrics.ts';
export * from './reconcilers.ts';
export * from './secret.ts';
export * from './shutdown.ts';
