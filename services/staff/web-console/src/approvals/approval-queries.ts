import {
  decideApproval,
  listApprovals,
  type ApprovalRequest,
  type ApprovalState,
  type DecideApprovalData,
} from '@codex-k8s/contracts/staff';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient, type UseMutationReturnType } from '@tanstack/vue-query';
import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue';
import { unwrap, useApi } from '../app/api.ts';

const approvalsKey = ['approvals'] as const;
const pollMs = 5_000;

export const approvalViews = {
  waiting: ['requested'],
  decided: ['approved', 'denied', 'expired', 'failed', 'applied'],
} as const satisfies Record<string, readonly ApprovalState[]>;
export type ApprovalView = keyof typeof approvalViews;

// The returned type is TanStack's own; spelling it out would repeat its generics.
// oxlint-disable-next-line typescript/explicit-module-boundary-types
export function useApprovals(view: MaybeRefOrGetter<ApprovalView>) {
  const { client } = useApi();
  const query = useInfiniteQuery({
    queryKey: computed(() => [...approvalsKey, toValue(view)]),
    initialPageParam: undefined as string | undefined, // the first page has no cursor
    queryFn: async ({ pageParam, signal }) =>
      unwrap(
        listApprovals({
          client,
          signal,
          query: { state: [...approvalViews[toValue(view)]], limit: 50, ...(pageParam && { cursor: pageParam }) },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: pollMs,
  });
  const approvals = computed<ApprovalRequest[]>(() => query.data.value?.pages.flatMap((page) => page.items) ?? []);
  return { ...query, approvals };
}

/** The request a run waits for; undefined while it is not known. */
export function useRunApprovals(runId: MaybeRefOrGetter<string>, enabled: MaybeRefOrGetter<boolean>): ComputedRef<ApprovalRequest[]> {
  const { client } = useApi();
  const { data } = useQuery({
    queryKey: computed(() => [...approvalsKey, 'run', toValue(runId)]),
    enabled: computed(() => toValue(enabled)),
    queryFn: async ({ signal }) => unwrap(listApprovals({ client, signal, query: { state: ['requested'], run_id: toValue(runId) } })),
    refetchInterval: pollMs,
  });
  return computed(() => data.value?.items ?? []);
}

/** How many requests the reader can decide now. */
export function useWaitingCount(): ComputedRef<number> {
  const { client } = useApi();
  const { data } = useQuery({
    queryKey: [...approvalsKey, 'count'],
    queryFn: async ({ signal }) => unwrap(listApprovals({ client, signal, query: { state: ['requested'], limit: 100 } })),
    refetchInterval: pollMs * 2,
  });
  return computed(() => data.value?.items.filter((approval) => approval.can_decide).length ?? 0);
}

export type Decision = DecideApprovalData['body'];

export function useDecideApproval(): UseMutationReturnType<ApprovalRequest, Error, { id: number; decision: Decision }, unknown> {
  const { client } = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, decision }) => unwrap(decideApproval({ client, path: { approval_id: id }, body: decision })),
    // A refusal means that what is shown is old: everything is asked for again either way.
    onSettled: async () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: approvalsKey }),
        queries.invalidateQueries({ queryKey: ['run'] }),
        queries.invalidateQueries({ queryKey: ['runs'] }),
      ]),
  });
}
