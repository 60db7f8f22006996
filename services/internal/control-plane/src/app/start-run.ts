import { AppError, runBranch, type ActorRef, type Trigger } from '@codex-k8s/domain';
import { traceNewRun } from '@codex-k8s/runtime';
import {
  createRunOnce,
  findAgent,
  getProject,
  policySnapshot,
  type AgentView,
  type CreatedRun,
  type ProjectSettings,
  type Repository,
  type Run,
  type Tx,
} from '@codex-k8s/store';
import type { Context } from './context.ts';

/** The issue as it was when the run was asked for: every attempt works on the same text. */
export interface IssueSnapshot {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly html_url: string;
  readonly author: string;
  readonly labels: readonly string[];
}

export interface Feedback {
  readonly author: string;
  readonly body: string;
}

/** `agent_runs.run_payload` (reference §2.7). */
export interface RunPayload {
  readonly issue: IssueSnapshot;
  readonly feedback?: readonly Feedback[];
  readonly trigger: {
    readonly source: 'issue_label' | 'pull_request_review' | 'staff_decision' | 'staff_retry' | 'delivery' | 'pull_request_label';
    readonly allowed_by?: string;
  };
  readonly delivery_id?: string;
}

export interface StartRunInput {
  readonly repository: Repository;
  /** What the caller has read already: the settings of the project, and the agent in force. */
  readonly known?: { readonly settings: ProjectSettings; readonly agent: AgentView | undefined };
  readonly correlationId: string;
  readonly trigger: Pick<Trigger, 'stage' | 'kind' | 'agentKey' | 'isRevise'>;
  readonly triggerLabel: string | undefined;
  readonly actor: ActorRef;
  readonly payload: RunPayload;
  /** The run whose branch and pull request are continued. */
  readonly continues?: Run | undefined;
  readonly learningMode?: boolean;
}

/** Creates the pending run of a stage; undefined when another one was first. Call it under the lock of the issue. */
export async function startStageRun(context: Context, tx: Tx, input: StartRunInput): Promise<CreatedRun | undefined> {
  const { repository, correlationId, trigger, triggerLabel, actor, payload, continues } = input;
  const { config } = context;
  const { agent, settings } = input.known ?? {
    agent: await findAgent(tx, { agentKey: trigger.agentKey, projectId: repository.projectId }),
    settings: (await getProject(tx, repository.projectId))?.settings,
  };
  if (!agent) throw new AppError('run.precondition_failed', `No active agent has the key ${trigger.agentKey}.`);
  const run = await createRunOnce(tx, {
    correlationId,
    parentRunId: continues?.id ?? null,
    projectId: repository.projectId,
    repositoryId: repository.id,
    repositoryFullName: `${repository.owner}/${repository.name}`,
    agentId: agent.id,
    agentKey: agent.agentKey,
    program: agent.program,
    model: agent.model,
    reasoningEffort: agent.reasoningEffort,
    scripted: config.modelScripted,
    runKind: trigger.isRevise ? 'revise' : 'work',
    triggerKind: trigger.kind,
    triggerLabel: triggerLabel ?? null,
    triggeredBy: actor.id,
    issueNumber: payload.issue.number,
    issueTitle: payload.issue.title,
    issueUrl: payload.issue.html_url,
    prNumber: continues?.prNumber ?? null,
    prUrl: continues?.prUrl ?? null,
    baseBranch: repository.defaultBranch,
    branch: continues?.branch ?? runBranch({ issueNumber: payload.issue.number, runId: correlationId }),
    learningMode: input.learningMode ?? settings?.learning_mode_default ?? config.learningMode,
    actor,
    payload,
    policy: policySnapshot(agent),
    stage: trigger.stage,
    profile: settings?.profile ?? 'feature',
  });
  if (run) traceNewRun(run);
  return run;
}
