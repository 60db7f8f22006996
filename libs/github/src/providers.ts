import type { RepositoryProvider } from '@codex-k8s/domain';
import { LRUCache } from 'lru-cache';
import { keepAnswers } from './conditional-requests.ts';
import { createGithubProvider } from './provider.ts';

/** One provider per token, kept while it is in use. They keep answers together. */
export function githubProviders({ baseUrl }: { readonly baseUrl: string }): (token: string) => RepositoryProvider {
  const providers = new LRUCache<string, RepositoryProvider>({ max: 1_000 });
  const answers = keepAnswers();
  return (token) => {
    const provider = providers.get(token) ?? createGithubProvider({ baseUrl, token, answers });
    providers.set(token, provider);
    return provider;
  };
}
