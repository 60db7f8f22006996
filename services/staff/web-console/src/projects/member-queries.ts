import { listMembers, removeMember, setMemberLearningMode, upsertMember, type Member, type ProjectRole } from '@codex-k8s/contracts/staff';
import { useMutation, useQuery, useQueryClient, type UseMutationReturnType, type UseQueryReturnType } from '@tanstack/vue-query';
import { computed, toValue, type MaybeRefOrGetter } from 'vue';
import { unwrap, useApi } from '../app/api.ts';

const membersKey = (projectId: string) => ['project', projectId, 'members'] as const;

export function useMembers(projectId: MaybeRefOrGetter<string>): UseQueryReturnType<Member[], Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => membersKey(toValue(projectId))),
    queryFn: async ({ signal }) => (await unwrap(listMembers({ client, signal, path: { project_id: toValue(projectId) } }))).items,
  });
}

export type MemberChange =
  | { readonly kind: 'role'; readonly email: string; readonly role: ProjectRole }
  | { readonly kind: 'learning'; readonly userId: string; readonly enabled: boolean | null }
  | { readonly kind: 'remove'; readonly userId: string };

/** One mutation for every change: they all end with the list being asked for again. */
export function useChangeMember(projectId: MaybeRefOrGetter<string>): UseMutationReturnType<unknown, Error, MemberChange, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (change): Promise<unknown> => {
      const path = { project_id: toValue(projectId) };
      switch (change.kind) {
        case 'role':
          return unwrap(upsertMember({ client, path, body: { email: change.email, role: change.role } }));
        case 'learning':
          return unwrap(setMemberLearningMode({ client, path: { ...path, user_id: change.userId }, body: { enabled: change.enabled } }));
        case 'remove':
          return unwrap(removeMember({ client, path: { ...path, user_id: change.userId } }));
      }
    },
    onSettled: async () => queries.invalidateQueries({ queryKey: membersKey(toValue(projectId)) }),
  });
}
