export * from './answers.ts';
export * from './attached-bytes.ts';
export * from './bearer.ts';
export * from './contract.ts';
export * from './drain.ts';
export * from './event-stream.ts';
export * from './mount-contract.ts';
export * from './server.ts';
