import {
  deleteClusterObject,
  getClusterLogs,
  getClusterObject,
  listClusterObjects,
  updateClusterObject,
  type ClusterDeletion,
  type ClusterKind,
  type ClusterLog,
  type ClusterObject,
  type ClusterUpdate,
} from '@codex-k8s/contracts/staff';
import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationReturnType,
  type UseQueryReturnType,
} from '@tanstack/vue-query';
import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue';
import { unwrap, useApi } from '../app/api.ts';

/** Which object; without `namespace` for what lies in none. */
export interface ObjectPath {
  readonly kind: ClusterKind;
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ClusterFilters {
  readonly kind: ClusterKind;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

const pageSize = 50;
const keys = {
  list: (filters: ClusterFilters) => ['cluster', filters] as const,
  lists: ['cluster'] as const,
  object: (path: ObjectPath) => ['cluster-object', path] as const,
};

function pathOf({ kind, namespace = '_', name }: ObjectPath) {
  return { kind, namespace, name };
}

// The returned type is TanStack's own; spelling it out would repeat its generics.
// oxlint-disable-next-line typescript/explicit-module-boundary-types
export function useClusterObjects(filters: ComputedRef<ClusterFilters>) {
  const { client } = useApi();
  const query = useInfiniteQuery({
    queryKey: computed(() => keys.list(filters.value)),
    initialPageParam: undefined as string | undefined, // the first page has no cursor
    queryFn: async ({ pageParam, signal }) => {
      const { kind, namespace, name } = filters.value;
      const asked = { limit: pageSize, ...(namespace && { namespace }), ...(name && { name }), ...(pageParam && { cursor: pageParam }) };
      return unwrap(listClusterObjects({ client, signal, path: { kind }, query: asked }));
    },
    getNextPageParam: (page) => page.next_cursor,
    refetchOnWindowFocus: false, // all loaded pages would be asked for again
  });
  const objects = computed(() => query.data.value?.pages.flatMap((page) => page.items) ?? []);
  return { ...query, objects };
}

export function useClusterObject(path: MaybeRefOrGetter<ObjectPath>): UseQueryReturnType<ClusterObject, Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => keys.object(toValue(path))),
    queryFn: async ({ signal }) => unwrap(getClusterObject({ client, signal, path: pathOf(toValue(path)) })),
    refetchOnWindowFocus: false, // what is being edited must not change under the reader
  });
}

export interface UpdateInput {
  readonly yaml: string;
  readonly resourceVersion: string;
  readonly dryRun: boolean;
  readonly reason?: string;
}

export function useUpdateObject(path: ObjectPath): UseMutationReturnType<ClusterUpdate, Error, UpdateInput, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ yaml, resourceVersion, dryRun, reason }) => {
      const body = { yaml, resource_version: resourceVersion, dry_run: dryRun, ...(reason && { reason }) };
      return unwrap(updateClusterObject({ client, path: pathOf(path), body }));
    },
    onSuccess: ({ applied, object }) => {
      if (!applied) return;
      queries.setQueryData(keys.object(path), object);
      void queries.invalidateQueries({ queryKey: keys.lists });
    },
  });
}

export interface DeleteInput {
  readonly uid: string;
  readonly dryRun: boolean;
  readonly reason?: string;
}

export function useDeleteObject(path: ObjectPath): UseMutationReturnType<ClusterDeletion, Error, DeleteInput, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ uid, dryRun, reason }) =>
      unwrap(deleteClusterObject({ client, path: pathOf(path), body: { uid, dry_run: dryRun, ...(reason && { reason }) } })),
    onSuccess: ({ applied }) => {
      if (applied) void queries.invalidateQueries({ queryKey: keys.lists });
    },
  });
}

export interface LogChoice {
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
  readonly previous: boolean;
}

const tailLines = 2_000;
const logPollMs = 3_000;

export function useClusterLog(
  path: ObjectPath,
  choice: ComputedRef<LogChoice>,
  follows: MaybeRefOrGetter<boolean>,
): UseQueryReturnType<ClusterLog, Error> {
  const { client } = useApi();
  const kind = path.kind === 'jobs' ? 'jobs' : 'pods';
  return useQuery({
    queryKey: computed(() => ['cluster-log', path, choice.value] as const),
    queryFn: async ({ signal }) => {
      const { pod, container, previous } = choice.value;
      const query = { tail_lines: tailLines, previous, ...(pod && { pod }), ...(container && { container }) };
      return unwrap(getClusterLogs({ client, signal, path: { ...pathOf(path), kind }, query }));
    },
    refetchInterval: () => (toValue(follows) ? logPollMs : false),
    retry: false,
  });
}
