/** Rows as the staff contract shows them: snake case, RFC 3339, absent instead of null. */
import type * as api from '@codex-k8s/contracts/staff';
import { errorCodes, isErrorCode } from '@codex-k8s/domain';
import type { listVisibleRuns, RunDossier } from '../app/runs.ts';
import type { listApprovals } from '../app/approvals.ts';
import type { listEvents, readRunLog } from '../app/run-history.ts';
import type { listProjectIssues } from '../app/issues.ts';
import type { listProjectRepositories } from '../app/repositories.ts';
import type { getStaffUser } from '../app/users.ts';
import type { listProjectMembers, showProject } from '../app/projects.ts';

type Row<T extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<T>>;

/** `{ a: null }` and `{ a: undefined }` both become `{}`. */
function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], null> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined)) as never; // only absent members were taken out
}

function time(date: Date | null | undefined): string | undefined {
  return date?.toISOString();
}

export function runView(run: RunDossier['run']): api.Run {
  return present({
    id: run.id,
    correlation_id: run.correlationId,
    parent_run_id: run.parentRunId,
    project_id: run.projectId,
    project_slug: run.projectSlug,
    project_name: run.projectName,
    repository_id: run.repositoryId,
    repository_full_name: run.repositoryFullName,
    issue_number: run.issueNumber,
    issue_title: run.issueTitle,
    issue_url: run.issueUrl,
    pr_number: run.prNumber,
    pr_url: run.prUrl,
    trigger_kind: run.triggerKind,
    trigger_label: run.triggerLabel,
    triggered_by: run.triggeredBy,
    agent_key: run.agentKey,
    agent_name: run.agentName,
    program: run.program,
    model: run.model,
    scripted: run.scripted,
    status: run.status,
    wait_reason: run.waitReason as api.Run['wait_reason'] | null, // the check constraint holds the words
    wait_since: time(run.waitSince),
    pending_reason: run.status === 'pending' ? (run.pendingReason as api.Run['pending_reason'] | null) : undefined, // written by the queue only
    attempt: run.attempt,
    failure_code: run.failureCode,
    failure_message: run.failureMessage,
    created_at: run.createdAt.toISOString(),
    started_at: time(run.startedAt),
    finished_at: time(run.finishedAt),
    timeout_at: time(run.timeoutAt),
    last_heartbeat_at: time(run.heartbeatAt),
  }) as api.Run; // required members are never null in the table
}

export function runPage({ runs, nextCursor }: Awaited<ReturnType<typeof listVisibleRuns>>): api.RunPage {
  return present({ items: runs.map(runView), next_cursor: nextCursor });
}

export function runDetails(dossier: RunDossier): api.RunDetails {
  const { run, isolated, session, usage, related, nextStep, pendingApprovalId, allowedActions } = dossier;
  return present({
    run: runView(run),
    isolated,
    branch: run.branch,
    head_sha: run.headSha,
    base_branch: run.baseBranch,
    failure: failureOf(run),
    report: run.report as api.RunReport | null, // checked by submit_result
    verification: run.verification as api.Verification | null, // written by the worker only
    session:
      session &&
      present({
        session_id: session.sessionId,
        turns: session.turns,
        saved_at: time(session.snapshotAt),
        last_resume: session.lastResume as NonNullable<api.Session['last_resume']>,
      }), // check constraint
    usage: usage && { input_tokens: usage.input, output_tokens: usage.output, total_tokens: usage.input + usage.output },
    next_step: nextStep && { label: nextStep.label, available: nextStep.available },
    pending_approval_id: pendingApprovalId,
    related_runs: related.map(({ id, status, agentKey, triggerKind, createdAt, parentRunId }) => ({
      id,
      relation: parentRunId === run.id ? ('child' as const) : ('parent' as const),
      status,
      agent_key: agentKey,
      trigger_kind: triggerKind,
      created_at: createdAt.toISOString(),
    })),
    allowed_actions: [...allowedActions],
  }) as api.RunDetails; // required members are never absent above
}

function failureOf({ failureCode, failureMessage }: RunDossier['run']): api.Failure | undefined {
  if (failureCode === null) return undefined;
  const { cause, remedy } = errorCodes[isErrorCode(failureCode) ? failureCode : 'internal'];
  return { code: failureCode, message: failureMessage ?? cause, cause, remedy };
}

export function eventView(event: Row<typeof listEvents>[number]): api.FlowEvent {
  return present({
    id: event.id,
    correlation_id: event.correlationId,
    run_id: event.runId,
    event_type: event.eventType,
    actor_type: event.actorType as api.FlowEvent['actor_type'], // the check constraint holds the words
    actor_id: event.actorId,
    payload: event.payload as Record<string, unknown>, // written as an object
    created_at: event.createdAt.toISOString(),
  }) as api.FlowEvent; // required members are never null in the table
}

export function logLineView(line: Row<typeof readRunLog>['lines'][number]): api.LogLine {
  return { n: line.n, attempt: line.attempt, stream: line.stream as api.LogLine['stream'], text: line.text, at: line.at }; // checked when it came in
}

export function projectView(project: Row<typeof showProject>): api.Project {
  const { id, slug, name, role, settings, repositoryCount, activeRunCount, createdAt } = project;
  return {
    id,
    slug,
    name,
    role,
    settings: { ...settings },
    repository_count: repositoryCount,
    active_run_count: activeRunCount,
    created_at: createdAt.toISOString(),
  };
}

export function memberView(member: Row<typeof listProjectMembers>[number]): api.Member {
  const { userId, email, githubLogin, role, learningModeOverride } = member;
  return present({ user_id: userId, email, github_login: githubLogin, role, learning_mode_override: learningModeOverride }) as api.Member; // required members are never null
}

export function userView(user: Row<typeof getStaffUser>): api.User {
  const { id, email, githubLogin, isPlatformAdmin, isPlatformOwner, createdAt } = user;
  return present({
    id,
    email,
    github_login: githubLogin,
    is_platform_admin: isPlatformAdmin,
    is_platform_owner: isPlatformOwner,
    created_at: createdAt.toISOString(),
  }) as api.User; // required members are never null
}

export function repositoryView(repository: Row<typeof listProjectRepositories>[number]): api.Repository {
  const { id, projectId, provider, owner, name, externalId, defaultBranch, servicesYamlPath, htmlUrl, createdAt } = repository;
  return {
    id,
    project_id: projectId,
    provider: provider as api.Repository['provider'], // the check constraint holds the words
    owner,
    name,
    external_id: externalId,
    default_branch: defaultBranch,
    services_yaml_path: servicesYamlPath,
    html_url: htmlUrl,
    created_at: createdAt.toISOString(),
  };
}

export function issueView({ issue, latestRun, triggers }: Row<typeof listProjectIssues>[number]): api.Issue {
  return present({
    number: issue.number,
    title: issue.title,
    body: issue.body,
    state: issue.state,
    labels: [...issue.labels],
    author: issue.author,
    html_url: issue.htmlUrl,
    latest_run_id: latestRun?.id,
    latest_run_status: latestRun?.status,
    triggers: triggers.map((trigger) => ({ ...trigger })),
  }) as api.Issue; // required members are never absent
}

export function approvalView(
  request: Row<typeof listApprovals>['requests'][number],
  { canDecide }: { canDecide: boolean },
): api.ApprovalRequest {
  return present({
    id: request.id,
    correlation_id: request.correlationId,
    run_id: request.runId,
    project_id: request.projectId,
    project_slug: request.projectSlug,
    repository_full_name: request.repositoryFullName,
    issue_number: request.issueNumber,
    issue_title: request.issueTitle,
    pr_number: request.prNumber,
    pr_url: request.prUrl,
    tool_name: request.toolName,
    action: request.action,
    target: { ...request.target },
    digest: request.digest,
    approval_mode: request.approvalMode as api.ApprovalRequest['approval_mode'], // the check constraint holds the words
    state: request.state,
    question: request.question,
    options: request.options && [...request.options],
    allow_custom: request.allowCustom,
    answer: request.answer,
    reason: request.reason,
    requested_by: request.requestedBy,
    applied_by: request.appliedBy,
    created_at: request.createdAt.toISOString(),
    decided_at: time(request.decidedAt),
    expires_at: request.expiresAt.toISOString(),
    can_decide: canDecide,
  }) as api.ApprovalRequest; // required members are never null in the table
}
