import { randomUUID } from 'node:crypto';
import { AppError, canMove, stages, type Actor, type RunStatus } from '@codex-k8s/domain';
import { traceNewRun } from '@codex-k8s/runtime';
import {
  findLastEvent,
  findOpenRequest,
  getRepository,
  getRun,
  getRunView,
  getSession,
  latestDeliveredRun,
  listRelatedRuns,
  listRunEvents,
  listRuns,
  listWaitingRuns,
  lockIssue,
  moveRun,
  sumTokenUsage,
  decideAction,
  createReviewRun,
  type AgentSession,
  type FlowEvent,
  type Run,
  type RunView,
} from '@codex-k8s/store';
import { isAdmin } from './authorize.ts';
import { providerOf, type Context } from './context.ts';
import { stageOf } from './owner-decision.ts';
import { startStageRun, type RunPayload } from './start-run.ts';

export interface RunQuery {
  readonly actor: Actor;
  readonly projectId?: string | undefined;
  readonly statuses?: readonly RunStatus[] | undefined;
  readonly triggerKind?: string | undefined;
  readonly agentKey?: string | undefined;
  readonly issueNumber?: number | undefined;
  readonly text?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** One page, newest first. The cursor is the position after the last run, opaque to callers. */
export async function listVisibleRuns(
  { store }: Context,
  { cursor, limit, ...filter }: RunQuery,
): Promise<{ runs: RunView[]; nextCursor: string | undefined }> {
  const runs = await listRuns(store.read, { ...filter, limit: limit + 1, before: cursor === undefined ? undefined : readCursor(cursor) });
  const page = runs.slice(0, limit);
  const last = page.at(-1);
  return { runs: page, nextCursor: runs.length > limit && last ? writeCursor(last) : undefined };
}

/** The wait queue (reference §9.1): what waits for the owner or for a tool, the longest wait first. */
export function listVisibleWaits({ store }: Context, filter: Parameters<typeof listWaitingRuns>[1]): Promise<RunView[]> {
  return listWaitingRuns(store.read, filter);
}

function writeCursor({ createdAt, id }: RunView): string {
  return Buffer.from(`${createdAt.toISOString()} ${id}`).toString('base64url');
}

function readCursor(cursor: string): { createdAt: string; id: string } {
  const [createdAt, id] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  const isValid = createdAt !== undefined && id !== undefined && !Number.isNaN(Date.parse(createdAt)) && /^[0-9a-f-]{36}$/.test(id);
  if (!isValid) throw new AppError('request.invalid', 'query.cursor is not one of ours.', { field: 'query.cursor' });
  return { createdAt, id };
}

export interface RunDossier {
  readonly run: RunView;
  /** What kept the newest attempt apart was seen to hold when it began. */
  readonly isolated: boolean;
  readonly session: AgentSession | undefined;
  readonly usage: { input: number; output: number } | undefined;
  readonly related: readonly Run[];
  readonly pendingApprovalId: number | undefined;
  readonly nextStep: { label: string; available: boolean } | undefined;
  readonly allowedActions: readonly ('cancel' | 'retry' | 'decide')[];
}

/** Everything one page about a run shows. */
export async function showRun(
  { store }: Context,
  { runId, actor, mayWrite }: { runId: string; actor: Actor; mayWrite: boolean },
): Promise<RunDossier> {
  const run = await getRunView(store.db, runId);
  if (!run) throw new AppError('run.not_found', 'There is no such run.');
  const [session, usage, related, request, started, events] = await Promise.all([
    getSession(store.db, runId),
    sumTokenUsage(store.db, runId),
    listRelatedRuns(store.db, run),
    findOpenRequest(store.db, { runId, toolName: run.status === 'waiting_mcp' ? 'owner_feedback_request' : 'owner_review' }),
    findLastEvent(store.db, { runId, type: 'run.attempt.started' }),
    run.status === 'succeeded' ? listRunEvents(store.db, { runId, after: 0, limit: 1000 }) : [],
  ]);
  const writes = mayWrite || isAdmin(actor);
  return {
    run,
    isolated: (started?.payload as { isolated?: boolean } | undefined)?.isolated === true, // written by the worker only
    session,
    usage,
    related,
    pendingApprovalId: request?.id,
    nextStep: nextStepIn(events),
    allowedActions: [
      ...(writes && canMove(run.status, 'cancel') ? (['cancel'] as const) : []),
      ...(writes && canRetry(run) ? (['retry'] as const) : []),
      ...(writes && request ? (['decide'] as const) : []),
    ],
  };
}

function nextStepIn(events: readonly FlowEvent[]): { label: string; available: boolean } | undefined {
  const offered = events.findLast(({ eventType }) => eventType === 'stage.next.offered');
  return offered && (offered.payload as { label: string; available: boolean }); // written by offerNextStep only
}

function canRetry(run: Run): boolean {
  return run.status === 'failed' || run.status === 'timed_out' || run.status === 'cancelled';
}

/** Cancels an unfinished run; its process and labels are cleaned up by the worker. */
export async function cancelRun(
  context: Context,
  { runId, actor, reason }: { runId: string; actor: Actor; reason: string | undefined },
): Promise<RunView> {
  const by = { type: 'human', id: actor.email } as const;
  const message = reason ?? `Cancelled by ${actor.email}.`;
  await context.store.db.transaction().execute(async (tx) => {
    const open = await findOpenRequest(tx, { runId, toolName: 'owner_review' });
    if (open) await decideAction(tx, { id: open.id, state: 'failed', actor: by, reason: message });
    if (!(await moveRun(tx, 'cancel', { id: runId, actor: by, failure: { code: 'run.cancelled', message } }))) {
      throw new AppError('run.illegal_move', 'This run is already finished.');
    }
  });
  return viewOf(context, runId);
}

async function viewOf({ store }: Context, runId: string): Promise<RunView> {
  const view = await getRunView(store.db, runId);
  if (!view) throw new AppError('run.not_found', 'There is no such run.');
  return view;
}

/** A new run with the trigger and the issue text of one that did not succeed; its branch and session are continued when there are any. */
export async function retryRun(context: Context, { runId, actor }: { runId: string; actor: Actor }): Promise<RunView> {
  const old = await getRun(context.store.db, runId);
  const repository = old?.repositoryId ? await getRepository(context.store.db, old.repositoryId) : undefined;
  if (!old || !repository) throw new AppError('run.not_found', 'There is no such run, or its repository was removed.');
  if (!canRetry(old)) throw new AppError('run.illegal_move', 'Only a run that failed, timed out or was cancelled can be started again.');
  const by = { type: 'human', id: actor.email } as const;
  const created = await context.store.db.transaction().execute(async (tx) => {
    await lockIssue(tx, { repository: old.repositoryFullName, issueNumber: old.issueNumber ?? undefined });
    if (old.runKind === 'review') {
      const of = { ...old, correlationId: `retry-${randomUUID()}` };
      const review = await createReviewRun(tx, { of, headSha: old.headSha ?? old.id, actor: by, source: 'staff_retry' });
      if (review) traceNewRun(review);
      return review;
    }
    const stage = stageOf(old);
    const isRevise = old.runKind === 'revise';
    const payload = old.runPayload as unknown as RunPayload; // written by startStageRun only
    return startStageRun(context, tx, {
      repository,
      correlationId: `retry-${randomUUID()}`,
      trigger: { stage, kind: old.triggerKind, agentKey: stages[stage].agentKey, isRevise },
      triggerLabel: old.triggerLabel ?? undefined,
      actor: by,
      continues: isRevise ? await latestDeliveredRun(tx, { repositoryId: repository.id, issueNumber: payload.issue.number }) : undefined,
      payload: { ...payload, trigger: { source: 'staff_retry' } },
    });
  });
  if (!created) throw new AppError('run.illegal_move', 'Another run of this issue is active.');
  context.announceRun();
  return viewOf(context, created.id);
}

/** The pull request's diff as the host has it now. `run.pull_request_missing` before there is one. Cut at 1 MiB. */
export async function showDiff(context: Context, runId: string): Promise<{ diff: string; truncated: boolean }> {
  const run = await viewOf(context, runId);
  const repository = run.repositoryId === null ? undefined : await getRepository(context.store.db, run.repositoryId);
  if (!repository || run.prNumber === null) throw new AppError('run.pull_request_missing', 'This run has no pull request yet.');
  const diff = await providerOf(context, repository).getPullRequestDiff(repository, run.prNumber);
  const limit = 1024 * 1024;
  return { diff: diff.slice(0, limit), truncated: diff.length > limit };
}
