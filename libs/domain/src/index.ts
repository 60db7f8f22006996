export * from './error-codes.ts';
export * from './errors.ts';
export * from './repository-provider.ts';
export * from './roles.ts';
export * from './run-moves.ts';
export * from './untrusted-text.ts';
