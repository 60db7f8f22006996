export * from './migrate.ts';
export * from './store.ts';
