export * from './error-codes.ts';
export * from './errors.ts';
export * from './repository-provider.ts';
