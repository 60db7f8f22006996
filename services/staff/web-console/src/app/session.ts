import { getMe, getPlatform, logout, type Me, type Platform } from '@codex-k8s/contracts/staff';
import { useMutation, useQuery, useQueryClient, type UseMutationReturnType, type UseQueryReturnType } from '@tanstack/vue-query';
import { ApiError, unwrap, useApi } from './api.ts';
import { meKey } from './queries.ts';

/** `null`: nobody is signed in. */
export function useMe(): UseQueryReturnType<Me | null, Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: meKey,
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }): Promise<Me | null> => {
      try {
        return await unwrap(getMe({ client, signal }));
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
  });
}

export function usePlatform(): UseQueryReturnType<Platform, Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: ['platform'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => unwrap(getPlatform({ client, signal })),
  });
}

export function useSignOut(): UseMutationReturnType<unknown, Error, void, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => unwrap(logout({ client })),
    onSuccess: () => {
      queries.clear();
      queries.setQueryData(meKey, null);
    },
  });
}
