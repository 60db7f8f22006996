import {
  cancelRun,
  getRun,
  getRunDiff,
  listRunEvents,
  listRuns,
  retryRun,
  type FlowEvent,
  type Run,
  type RunDetails,
  type RunStatus,
} from '@codex-k8s/contracts/staff';
import type { Client } from '@codex-k8s/contracts/staff/client';
import { isFinal } from '@codex-k8s/domain';
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

export interface RunFilters {
  readonly projectId?: string | undefined;
  readonly statuses: readonly RunStatus[];
  readonly agentKey?: string | undefined;
  readonly issueNumber?: number | undefined;
  readonly text?: string | undefined;
}

export const runKeys = {
  lists: ['runs'] as const,
  list: (filters: RunFilters) => ['runs', filters] as const,
  details: (runId: string) => ['run', runId] as const,
  events: (runId: string) => ['run', runId, 'events'] as const,
  diff: (runId: string) => ['run', runId, 'diff'] as const,
};

const pageSize = 50;
const listPollMs = 3_000;
/** Refetching many loaded pages every three seconds would cost more than it tells. */
const pagesPolledFast = 2;

// The returned type is TanStack's own; spelling it out would repeat its generics.
// oxlint-disable-next-line typescript/explicit-module-boundary-types
export function useRuns(filters: ComputedRef<RunFilters>) {
  const { client } = useApi();
  const query = useInfiniteQuery({
    queryKey: computed(() => runKeys.list(filters.value)),
    initialPageParam: undefined as string | undefined, // the first page has no cursor
    queryFn: async ({ pageParam, signal }) => {
      const { projectId, statuses, agentKey, issueNumber, text } = filters.value;
      return unwrap(
        listRuns({
          client,
          signal,
          query: {
            limit: pageSize,
            ...(projectId && { project_id: projectId }),
            ...(statuses.length > 0 && { status: [...statuses] }),
            ...(agentKey && { agent_key: agentKey }),
            ...(issueNumber && { issue_number: issueNumber }),
            ...(text && { q: text }),
            ...(pageParam && { cursor: pageParam }),
          },
        }),
      );
    },
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= pagesPolledFast ? listPollMs : listPollMs * 10),
    placeholderData: (previous) => previous,
  });
  const runs = computed<Run[]>(() => query.data.value?.pages.flatMap((page) => page.items) ?? []);
  return { ...query, runs };
}

/** `pollMs`: how often to ask while the live stream does not tell. */
export function useRun(runId: MaybeRefOrGetter<string>, pollMs: MaybeRefOrGetter<number | false>): UseQueryReturnType<RunDetails, Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => runKeys.details(toValue(runId))),
    queryFn: async ({ signal }) => unwrap(getRun({ client, signal, path: { run_id: toValue(runId) } })),
    refetchInterval: ({ state }) => (state.data && isFinal(state.data.run.status) ? false : toValue(pollMs)),
  });
}

const eventPage = 1_000;

async function allEvents(client: Client, runId: string, signal: AbortSignal): Promise<FlowEvent[]> {
  const events: FlowEvent[] = [];
  for (;;) {
    const query = { limit: eventPage, after: events.at(-1)?.id ?? 0 };
    const { items } = await unwrap(listRunEvents({ client, signal, path: { run_id: runId }, query }));
    events.push(...items);
    if (items.length < eventPage) return events;
  }
}

export function useRunEvents(
  runId: MaybeRefOrGetter<string>,
  pollMs: MaybeRefOrGetter<number | false>,
): UseQueryReturnType<FlowEvent[], Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => runKeys.events(toValue(runId))),
    queryFn: async ({ signal }) => allEvents(client, toValue(runId), signal),
    refetchInterval: () => toValue(pollMs),
  });
}

export function useRunDiff(runId: MaybeRefOrGetter<string>): UseQueryReturnType<{ diff: string; truncated: boolean }, Error> {
  const { client } = useApi();
  return useQuery({
    queryKey: computed(() => runKeys.diff(toValue(runId))),
    staleTime: 30_000,
    queryFn: async ({ signal }) => unwrap(getRunDiff({ client, signal, path: { run_id: toValue(runId) } })),
  });
}

export function useCancelRun(): UseMutationReturnType<Run, Error, { runId: string; reason: string }, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ runId, reason }) => unwrap(cancelRun({ client, path: { run_id: runId }, body: reason ? { reason } : {} })),
    onSettled: async (_run, _error, { runId }) =>
      Promise.all([
        queries.invalidateQueries({ queryKey: runKeys.details(runId) }),
        queries.invalidateQueries({ queryKey: runKeys.lists }),
      ]),
  });
}

export function useRetryRun(): UseMutationReturnType<Run, Error, { runId: string }, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ runId }) => unwrap(retryRun({ client, path: { run_id: runId } })),
    onSettled: async (_run, _error, { runId }) =>
      Promise.all([
        queries.invalidateQueries({ queryKey: runKeys.details(runId) }),
        queries.invalidateQueries({ queryKey: runKeys.lists }),
      ]),
  });
}
