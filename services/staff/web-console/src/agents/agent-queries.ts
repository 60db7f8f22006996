import { listAgents, type Agent } from '@codex-k8s/contracts/staff';
import { useQuery, type UseQueryReturnType } from '@tanstack/vue-query';
import { unwrap, useApi } from '../app/api.ts';

export function useAgents(): UseQueryReturnType<Agent[], Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: ['agents'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => (await unwrap(listAgents({ client, signal }))).items,
  });
}
