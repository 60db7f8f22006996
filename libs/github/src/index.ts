export { createGithubProvider, type GithubProviderOptions } from './provider.ts';
export * from './providers.ts';
