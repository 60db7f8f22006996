import {
  addIssueLabel,
  addRepository,
  listIssues,
  listRepositories,
  removeRepository,
  type AddRepositoryData,
  type Issue,
  type Repository,
} from '@codex-k8s/contracts/staff';
import { useMutation, useQuery, useQueryClient, type UseMutationReturnType, type UseQueryReturnType } from '@tanstack/vue-query';
import { computed, toValue, type MaybeRefOrGetter } from 'vue';
import { unwrap, useApi } from '../app/api.ts';

const issuePollMs = 10_000;
const keys = {
  repositories: (projectId: string) => ['project', projectId, 'repositories'] as const,
  issues: (projectId: string, repositoryId: string) => ['project', projectId, 'issues', repositoryId] as const,
};

export function useRepositories(projectId: MaybeRefOrGetter<string>): UseQueryReturnType<Repository[], Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => keys.repositories(toValue(projectId))),
    queryFn: async ({ signal }) => (await unwrap(listRepositories({ client, signal, path: { project_id: toValue(projectId) } }))).items,
  });
}

export function useAddRepository(
  projectId: MaybeRefOrGetter<string>,
): UseMutationReturnType<Repository, Error, AddRepositoryData['body'], unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    // The token must not stay in the memory of the page longer than the request.
    gcTime: 0,
    mutationFn: async (body) => unwrap(addRepository({ client, path: { project_id: toValue(projectId) }, body })),
    onSuccess: async () => queries.invalidateQueries({ queryKey: keys.repositories(toValue(projectId)) }),
  });
}

export function useRemoveRepository(projectId: MaybeRefOrGetter<string>): UseMutationReturnType<unknown, Error, string, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (repositoryId) =>
      unwrap(removeRepository({ client, path: { project_id: toValue(projectId), repository_id: repositoryId } })),
    onSuccess: async () => queries.invalidateQueries({ queryKey: keys.repositories(toValue(projectId)) }),
  });
}

export function useIssues(
  projectId: MaybeRefOrGetter<string>,
  repositoryId: MaybeRefOrGetter<string | undefined>,
): UseQueryReturnType<Issue[], Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => keys.issues(toValue(projectId), toValue(repositoryId) ?? '')),
    enabled: computed(() => toValue(repositoryId) !== undefined),
    refetchInterval: issuePollMs,
    queryFn: async ({ signal }) => {
      const path = { project_id: toValue(projectId), repository_id: toValue(repositoryId) ?? '' };
      return (await unwrap(listIssues({ client, signal, path }))).items;
    },
  });
}

/** The host's webhook starts the run a moment later: the issues are asked again soon, and once more. */
const runAppearsMs = [1_200, 4_000];

export interface Labelling {
  readonly repositoryId: string;
  readonly issueNumber: number;
  readonly label: string;
}

export function useLabelIssue(projectId: MaybeRefOrGetter<string>): UseMutationReturnType<unknown, Error, Labelling, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ repositoryId, issueNumber, label }) => {
      const path = { project_id: toValue(projectId), repository_id: repositoryId, issue_number: issueNumber };
      return unwrap(addIssueLabel({ client, path, body: { label } }));
    },
    onSettled: async (_answer, _error, { repositoryId }) => {
      const queryKey = keys.issues(toValue(projectId), repositoryId);
      for (const ms of runAppearsMs) setTimeout(() => void queries.invalidateQueries({ queryKey }), ms);
      await Promise.all([queries.invalidateQueries({ queryKey }), queries.invalidateQueries({ queryKey: ['runs'] })]);
    },
  });
}
