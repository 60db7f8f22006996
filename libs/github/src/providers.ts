import type { RepositoryProvider } from '@codex-k8s/domain';
import { LRUCache } from 'lru-cache';
import { keepAnswers } from './conditional-requests.ts';
import { createGithubProvider } from './provider.ts';

/** One provider per token, kept while it is in use. They keep answers together. */
export function githubProviders({ baseUrl }: { readonly baseUrl: string }): (token: string) => RepositoryProvider {
  const answers = keepAnswers();
  const providers = new LRUCache<string, RepositoryProvider>({
    max: 1_000,
    memoMethod: (token) => createGithubProvider({ baseUrl, token, answers }),
  });
  return (token) => providers.memo(token);
}
