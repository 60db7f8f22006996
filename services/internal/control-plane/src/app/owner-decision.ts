/**
 * The owner's decision on a delivery, from the console or by a review on the host: one rule for both. Approving closes the run's record
 * and offers the next step; requesting changes lets a revise run take over on the same branch and pull request.
 */
import { AppError, nextStage, stageOfKind, stages, type ActorRef, type ErrorCode, type Profile, type Stage } from '@codex-k8s/domain';
import {
  decideAction,
  findOpenRequest,
  getIssueStage,
  getProject,
  getRepository,
  lockIssue,
  moveRun,
  recordEvent,
  setIssueStage,
  type CreatedRun,
  type Run,
  type Tx,
} from '@codex-k8s/store';
import type { Context } from './context.ts';
import { startStageRun, type Feedback, type RunPayload } from './start-run.ts';

/** Only stage runs are decided on. */
export function stageOf(run: Run): Stage {
  const stage = stageOfKind(run.triggerKind);
  if (!stage) throw new AppError('run.illegal_move', `A ${run.triggerKind} run has no stage.`);
  return stage;
}

async function setStage(tx: Tx, { run, status, actor }: { run: Run; status: 'approved' | 'failed'; actor: ActorRef }): Promise<void> {
  if (run.repositoryId === null || run.issueNumber === null) return;
  const project = await getProject(tx, run.projectId);
  await setIssueStage(tx, {
    repositoryId: run.repositoryId,
    projectId: run.projectId,
    issueNumber: run.issueNumber,
    profile: project?.settings.profile ?? 'feature',
    stage: stageOf(run),
    status,
    runId: run.id,
    prNumber: run.prNumber ?? undefined,
    correlationId: run.correlationId,
    actor,
  });
}

/** Undefined: the run is not (any more) in owner review, or the request was decided by someone else. */
export async function approveDelivery(
  context: Context,
  tx: Tx,
  { run, actor, via }: { run: Run; actor: ActorRef; via: string },
): Promise<Run | undefined> {
  const request = await findOpenRequest(tx, { runId: run.id, toolName: 'owner_review' });
  if (request && !(await decideAction(tx, { id: request.id, state: 'applied', actor, reason: via }))) return undefined;
  const approved = await moveRun(tx, 'succeed', { id: run.id, actor, payload: { approved_via: via } });
  if (!approved) return undefined;
  await setStage(tx, { run: approved, status: 'approved', actor });
  await offerNextStep(context, tx, approved);
  return approved;
}

/** The next label is named, never applied silently (FR-027). */
async function offerNextStep({ labels }: Context, tx: Tx, run: Run): Promise<void> {
  if (run.repositoryId === null || run.issueNumber === null) return;
  const record = await getIssueStage(tx, { repositoryId: run.repositoryId, issueNumber: run.issueNumber });
  const next = nextStage((record?.profile ?? 'feature') as Profile, stageOf(run)); // written from ProjectSettings only
  if (!next) return;
  await recordEvent(tx, {
    type: 'stage.next.offered',
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: { type: 'system', id: 'control-plane' },
    payload: { label: labels.triggerText(next, false), stage: next, available: stages[next].executable },
  });
}

export interface ChangeRequest {
  readonly run: Run;
  readonly actor: ActorRef;
  readonly via: 'staff_decision' | 'pull_request_review';
  readonly correlationId: string;
  readonly feedback: readonly Feedback[];
}

/** The reviewed run is succeeded by its revise. Undefined: the run is not in owner review any more, or another run is active. */
export async function requestChanges(
  context: Context,
  tx: Tx,
  { run, actor, via, correlationId, feedback }: ChangeRequest,
): Promise<CreatedRun | undefined> {
  const repository = run.repositoryId === null ? undefined : await getRepository(tx, run.repositoryId);
  if (!repository) return undefined;
  await lockIssue(tx, { repository: run.repositoryFullName, issueNumber: run.issueNumber ?? undefined });
  const request = await findOpenRequest(tx, { runId: run.id, toolName: 'owner_review' });
  if (request && !(await decideAction(tx, { id: request.id, state: 'denied', actor, reason: feedback[0]?.body }))) return undefined;
  if (!(await moveRun(tx, 'succeed', { id: run.id, actor, payload: { superseded_by: correlationId, changes_requested_via: via } })))
    return undefined;
  const stage = stageOf(run);
  const payload = run.runPayload as unknown as RunPayload; // written by startStageRun only
  return startStageRun(context, tx, {
    repository,
    correlationId,
    trigger: { stage, kind: `${stages[stage].kind}_revise`, agentKey: stages[stage].agentKey, isRevise: true },
    triggerLabel: undefined,
    actor,
    continues: run,
    payload: { ...payload, feedback, trigger: { source: via } },
  });
}

/** A run whose pull request a person closed without merging. */
export async function abandonDelivery(
  tx: Tx,
  { run, actor, code, message }: { run: Run; actor: ActorRef; code: ErrorCode; message: string },
): Promise<void> {
  const request = await findOpenRequest(tx, { runId: run.id, toolName: 'owner_review' });
  if (request) await decideAction(tx, { id: request.id, state: 'failed', actor, reason: message });
  const failed = await moveRun(tx, 'fail', { id: run.id, actor, failure: { code, message } });
  if (failed) await setStage(tx, { run: failed, status: 'failed', actor });
}

/** A rework whose pull request a person closed or merged: there is nothing to rework any more. Merging is a yes to what was there. */
export async function abandonRework(
  context: Context,
  tx: Tx,
  { run, actor, merged }: { run: Run; actor: ActorRef; merged: boolean },
): Promise<void> {
  const code = 'run.pull_request_closed';
  const message = `The pull request was ${merged ? 'merged' : 'closed'} by ${actor.id} while it was being reworked.`;
  const ended = await moveRun(tx, merged ? 'cancel' : 'fail', { id: run.id, actor, failure: { code, message } });
  if (!ended) return;
  await setStage(tx, { run: ended, status: merged ? 'approved' : 'failed', actor });
  if (merged) await offerNextStep(context, tx, ended);
}
