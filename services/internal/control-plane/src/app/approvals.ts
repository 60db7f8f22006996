import { randomUUID } from 'node:crypto';
import { AppError, type Actor, type ActorRef } from '@codex-k8s/domain';
import {
  countOpenRequests,
  decideAction,
  getActionRequest,
  getRepository,
  databaseNow,
  getRun,
  listActionRequests,
  moveRun,
  type ActionRequest,
  type ActionRequestView,
  type ApprovalState,
  type Run,
  type Tx,
} from '@codex-k8s/store';
import { isAdmin } from './authorize.ts';
import { providerOf, type Context } from './context.ts';
import { approveDelivery, requestChanges } from './owner-decision.ts';

export async function listApprovals(
  { store }: Context,
  query: {
    actor: Actor;
    states: readonly ApprovalState[];
    projectId?: string | undefined;
    runId?: string | undefined;
    cursor?: string | undefined;
    limit: number;
  },
): Promise<{ requests: ActionRequestView[]; nextCursor: string | undefined }> {
  const beforeId = query.cursor === undefined ? undefined : Number(query.cursor);
  if (beforeId !== undefined && !Number.isSafeInteger(beforeId))
    throw new AppError('request.invalid', 'query.cursor is not one of ours.', { field: 'query.cursor' });
  const rows = await listActionRequests(store.db, { ...query, beforeId, limit: query.limit + 1 });
  const requests = rows.slice(0, query.limit);
  return { requests, nextCursor: rows.length > query.limit ? String(requests.at(-1)?.id) : undefined };
}

/** May this person decide? Owner requests: the owner, platform admins, and project members who may write (reference §7.3). */
export function canDecide(actor: Actor, request: ActionRequestView): boolean {
  return request.state === 'requested' && (isAdmin(actor) || request.role === 'read_write' || request.role === 'admin');
}

export interface DecisionInput {
  readonly actor: Actor;
  readonly id: number;
  readonly decision: 'approved' | 'denied';
  /** The digest the person saw: the decision is for exactly that action. */
  readonly digest: string;
  readonly reason: string | undefined;
  readonly answer: string | undefined;
}

/** Decides a request. `approval.stale` when the action or the live state differs from what was shown; `approval.already_decided`. */
export async function decideApproval(context: Context, input: DecisionInput): Promise<ActionRequestView> {
  const { actor, id, digest } = input;
  const request = await getActionRequest(context.store.db, id);
  if (!request) throw new AppError('approval.not_found', 'There is no such request.');
  if (request.digest !== digest)
    throw new AppError('approval.stale', 'The request is for another action than the one you saw.', { field: 'body.digest' });
  if (request.state !== 'requested' || request.expiresAt < (await databaseNow(context.store.db))) throw alreadyDecided();
  const by: ActorRef = { type: 'human', id: actor.githubLogin ? `github:${actor.githubLogin}` : actor.email };
  if (request.toolName === 'owner_review') await decideOwnerReview(context, { ...input, request, by });
  else if (request.toolName === 'owner_feedback_request') await decideFeedback(context, { ...input, request, by });
  else throw new AppError('request.unprocessable', `A ${request.toolName} request cannot be decided here.`);
  const [view] = await listActionRequests(context.store.db, {
    actor,
    states: ['requested', 'approved', 'denied', 'expired', 'failed', 'applied'],
    id,
    limit: 1,
  });
  if (!view) throw new AppError('approval.not_found', 'There is no such request.');
  return view;
}

function alreadyDecided(): AppError {
  return new AppError('approval.already_decided', 'The request was decided or expired before.');
}

type Deciding = DecisionInput & { readonly request: ActionRequest; readonly by: ActorRef };

async function decideOwnerReview(context: Context, { decision, reason, request, by }: Deciding): Promise<void> {
  const run = request.runId === null ? undefined : await getRun(context.store.db, request.runId);
  if (!run) throw alreadyDecided();
  if (decision === 'denied' && !reason?.trim())
    throw new AppError('request.unprocessable', 'Say what is to be changed.', { field: 'body.reason' });
  await checkLive(context, { run, request });
  const done = await context.store.db.transaction().execute(async (tx: Tx) =>
    decision === 'approved'
      ? approveDelivery(context, tx, { run, actor: by, via: 'staff_decision' })
      : requestChanges(context, tx, {
          run,
          actor: by,
          via: 'staff_decision',
          correlationId: `decision-${randomUUID()}`,
          feedback: [{ author: by.id.replace(/^github:/, ''), body: reason ?? '' }],
        }),
  );
  if (!done) throw alreadyDecided();
}

/** The decision is on what the host has now, not on what it had when the request was made (design, promise 3). */
async function checkLive(context: Context, { run, request }: { run: Run; request: ActionRequest }): Promise<void> {
  const repository = run.repositoryId === null ? undefined : await getRepository(context.store.db, run.repositoryId);
  const pullRequest =
    repository && run.prNumber !== null ? await providerOf(context, repository).getPullRequest(repository, run.prNumber) : undefined;
  if (!pullRequest || pullRequest.state !== 'open') throw new AppError('approval.stale', 'The pull request is not open any more.');
  if (pullRequest.headSha !== request.target['head_sha']) {
    throw new AppError('approval.stale', 'The pull request has new commits since this request was made.');
  }
}

async function decideFeedback(context: Context, { decision, reason, answer, request, by }: Deciding): Promise<void> {
  if (decision === 'approved') checkAnswer(request, answer);
  const done = await context.store.db.transaction().execute(async (tx) => {
    const decided = await decideAction(tx, {
      id: request.id,
      state: decision === 'approved' ? 'applied' : 'denied',
      actor: by,
      reason,
      answer,
    });
    if (decided) await resumeAfter(tx, { request: decided, actor: by });
    return decided;
  });
  if (!done) throw alreadyDecided();
}

function checkAnswer({ options, allowCustom }: ActionRequest, answer: string | undefined): void {
  if (!answer?.trim()) throw new AppError('request.unprocessable', 'Choose an answer.', { field: 'body.answer' });
  if (!allowCustom && !options?.includes(answer))
    throw new AppError('request.unprocessable', 'Choose one of the options.', { field: 'body.answer' });
}

/** The run goes on when the last of its open requests is closed (reference §7.4). */
export async function resumeAfter(tx: Tx, { request, actor }: { request: ActionRequest; actor: ActorRef }): Promise<void> {
  if (request.runId === null || (await countOpenRequests(tx, request.runId)) > 0) return;
  await moveRun(tx, 'resume', { id: request.runId, actor, payload: { request_id: request.id, approval_state: request.state } });
}
