export * from './builders.ts';
export * from './postgres.ts';
export * from './test-store.ts';
