import { MutationCache, QueryCache, QueryClient } from '@tanstack/vue-query';
import { ApiError } from './api.ts';

export const meKey = ['me'] as const;

/** One answer of 401 anywhere means the session is over: the app then shows the sign-in page. */
export function createQueries(retries = 2): QueryClient {
  const onError = (error: unknown): void => {
    if (error instanceof ApiError && error.status === 401) client.setQueryData(meKey, null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        // Only what may pass by itself is tried again: a refusal stays a refusal.
        retry: (count, error) => count < retries && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      },
    },
  });
  return client;
}
