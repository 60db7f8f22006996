import { AppError, type ActorRef } from '@codex-k8s/domain';
import { findAgent, policySnapshot } from './agents.ts';
import { createRunOnce, type CreatedRun, type Run } from './runs.ts';
import type { Tx } from './store.ts';

/**
 * The pre-review of what a run delivered (reference §6.9): one per run and head commit, by the key of its correlation id. Undefined: it
 * exists. It is no stage run, so it neither blocks the issue nor is blocked.
 */
export async function createReviewRun(
  tx: Tx,
  { of, headSha, actor, source }: { of: Run; headSha: string; actor: ActorRef; source: string },
): Promise<CreatedRun | undefined> {
  const agent = await findAgent(tx, { agentKey: 'reviewer', projectId: of.projectId });
  if (!agent) throw new AppError('run.precondition_failed', 'No active agent has the key reviewer.');
  return createRunOnce(tx, {
    correlationId: `${of.correlationId}.review.${headSha.slice(0, 12)}`,
    parentRunId: of.id,
    projectId: of.projectId,
    repositoryId: of.repositoryId,
    repositoryFullName: of.repositoryFullName,
    agentId: agent.id,
    agentKey: agent.agentKey,
    program: agent.program,
    model: agent.model,
    reasoningEffort: agent.reasoningEffort,
    scripted: of.scripted,
    runKind: 'review',
    triggerKind: 'review',
    triggerLabel: null,
    triggeredBy: actor.id,
    issueNumber: of.issueNumber,
    issueTitle: of.issueTitle,
    issueUrl: of.issueUrl,
    prNumber: of.prNumber,
    prUrl: of.prUrl,
    headSha,
    baseBranch: of.baseBranch,
    branch: of.branch,
    learningMode: false,
    actor,
    payload: { ...(of.runPayload as object), feedback: undefined, trigger: { source } }, // always written as an object
    policy: policySnapshot(agent),
  });
}
