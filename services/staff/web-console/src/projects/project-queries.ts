import {
  createProject,
  deleteProject,
  getProject,
  listProjects,
  updateProject,
  type Project,
  type UpdateProjectData,
} from '@codex-k8s/contracts/staff';
import { useMutation, useQuery, useQueryClient, type UseMutationReturnType, type UseQueryReturnType } from '@tanstack/vue-query';
import { computed, toValue, type MaybeRefOrGetter } from 'vue';
import { unwrap, useApi } from '../app/api.ts';

const projectsKey = ['projects'] as const;

export function useProjects(enabled: MaybeRefOrGetter<boolean> = true): UseQueryReturnType<Project[], Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: projectsKey,
    staleTime: 15_000,
    enabled: computed(() => toValue(enabled)),
    queryFn: async ({ signal }) => (await unwrap(listProjects({ client, signal }))).items,
  });
}

export function useProject(projectId: MaybeRefOrGetter<string>): UseQueryReturnType<Project, Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => ['project', toValue(projectId)]),
    queryFn: async ({ signal }) => unwrap(getProject({ client, signal, path: { project_id: toValue(projectId) } })),
  });
}

export function useCreateProject(): UseMutationReturnType<Project, Error, { slug: string; name: string }, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body) => unwrap(createProject({ client, body })),
    onSuccess: async () => queries.invalidateQueries({ queryKey: projectsKey }),
  });
}

export function useUpdateProject(
  projectId: MaybeRefOrGetter<string>,
): UseMutationReturnType<Project, Error, UpdateProjectData['body'], unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body) => unwrap(updateProject({ client, path: { project_id: toValue(projectId) }, body })),
    onSuccess: async (project) => {
      queries.setQueryData(['project', project.id], project);
      await queries.invalidateQueries({ queryKey: projectsKey });
    },
  });
}

export function useDeleteProject(): UseMutationReturnType<unknown, Error, string, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (projectId) => unwrap(deleteProject({ client, path: { project_id: projectId } })),
    onSuccess: async () => queries.invalidateQueries({ queryKey: projectsKey }),
  });
}
