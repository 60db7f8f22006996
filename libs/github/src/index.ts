export { createGithubProvider, type GithubProviderOptions } from './provider.ts';
