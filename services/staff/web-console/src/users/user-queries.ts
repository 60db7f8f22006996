import { createUser, deleteUser, listUsers, type CreateUserData, type User } from '@codex-k8s/contracts/staff';
import { useMutation, useQuery, useQueryClient, type UseMutationReturnType, type UseQueryReturnType } from '@tanstack/vue-query';
import { unwrap, useApi } from '../app/api.ts';

const usersKey = ['users'] as const;

export function useUsers(): UseQueryReturnType<User[], Error> {
  const { client } = useApi();
  return useQuery({ queryKey: usersKey, queryFn: async ({ signal }) => (await unwrap(listUsers({ client, signal }))).items });
}

export function useCreateUser(): UseMutationReturnType<User, Error, CreateUserData['body'], unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body) => unwrap(createUser({ client, body })),
    onSuccess: async () => queries.invalidateQueries({ queryKey: usersKey }),
  });
}

export function useDeleteUser(): UseMutationReturnType<unknown, Error, string, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (userId) => unwrap(deleteUser({ client, path: { user_id: userId } })),
    onSuccess: async () => queries.invalidateQueries({ queryKey: usersKey }),
  });
}
