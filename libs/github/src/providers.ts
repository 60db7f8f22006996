import type { RepositoryProvider } from '@codex-k8s/domain';
import { createGithubProvider } from './provider.ts';

/** One provider per token, kept: its cache of conditional requests and its rate limit state belong to the token. */
export function githubProviders({ baseUrl }: { readonly baseUrl: string }): (token: string) => RepositoryProvider {
  const providers = new Map<string, RepositoryProvider>();
  return (token) => {
    const provider = providers.get(token) ?? createGithubProvider({ baseUrl, token });
    providers.set(token, provider);
    return provider;
  };
}
