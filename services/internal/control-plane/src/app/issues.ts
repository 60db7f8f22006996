import { randomUUID } from 'node:crypto';
import { AppError, decideLabelTrigger, type Actor, type Issue, type ProjectRole, type RefusalReason } from '@codex-k8s/domain';
import {
  decideAction,
  getIssueStage,
  getProject,
  latestRuns,
  projectRole,
  recordEvent,
  requestAction,
  type Repository,
  type Run,
} from '@codex-k8s/store';
import { isAdmin } from './authorize.ts';
import { providerOf, type Context } from './context.ts';
import { findProjectRepository } from './repositories.ts';

export interface IssueView {
  readonly issue: Issue;
  readonly latestRun: Run | undefined;
  readonly triggers: readonly { readonly label: string; readonly allowed: boolean; readonly reason?: RefusalReason }[];
}

interface RepositoryPath {
  readonly actor: Actor;
  readonly projectId: string;
  readonly repositoryId: string;
}

/** Open issues as the host has them now, with what each trigger label would do. */
export async function listProjectIssues(context: Context, { actor, projectId, repositoryId }: RepositoryPath): Promise<IssueView[]> {
  const repository = await findProjectRepository(context, { projectId, repositoryId });
  const [issues, runs, role] = await Promise.all([
    providerOf(context, repository).listIssues(repository, { state: 'open' }),
    latestRuns(context.store.read, repositoryId),
    roleOf(context, { actor, projectId }),
  ]);
  const byIssue = new Map(runs.map((run) => [run.issueNumber, run]));
  return Promise.all(
    issues
      .filter(({ isPullRequest }) => !isPullRequest)
      .map(async (issue) => ({
        issue,
        latestRun: byIssue.get(issue.number),
        triggers: await triggersFor(context, { repository, issue, actor, role, latestRun: byIssue.get(issue.number) }),
      })),
  );
}

async function roleOf({ store }: Context, { actor, projectId }: { actor: Actor; projectId: string }): Promise<ProjectRole | undefined> {
  return projectRole(store.db, { projectId, userId: actor.userId });
}

interface TriggerQuestion {
  readonly repository: Repository;
  readonly issue: Issue;
  readonly actor: Actor;
  readonly role: ProjectRole | undefined;
  readonly latestRun: Run | undefined;
}

/** The same rule that reads the webhook, asked ahead; only what this version can run is offered. */
async function triggersFor(
  context: Context,
  { repository, issue, actor, role, latestRun }: TriggerQuestion,
): Promise<IssueView['triggers']> {
  const { labels, store, config } = context;
  const [record, project] = await Promise.all([
    getIssueStage(store.db, { repositoryId: repository.id, issueNumber: issue.number }),
    getProject(store.db, repository.projectId),
  ]);
  const others = issue.labels.filter((text) => !labels.triggerOf(text));
  return labels.all.flatMap(({ spec, text }) => {
    if (!spec.trigger?.executable) return [];
    const decision = decideLabelTrigger({
      labels,
      addedLabel: text,
      issueLabels: others,
      isOpen: issue.state === 'open',
      sender: {
        login: actor.email,
        isBot: false,
        hasGrant: false,
        user: { isPlatformAdmin: actor.isPlatformAdmin, isPlatformOwner: actor.isPlatformOwner, role },
      },
      hasActiveRun: latestRun !== undefined && ['pending', 'running', 'waiting_mcp'].includes(latestRun.status),
      stageRecord: record && { stage: record.stage, status: record.status, prNumber: record.prNumber ?? undefined },
      allowDirectDev: project?.settings.direct_dev ?? config.directDev,
    });
    return [{ label: text, allowed: 'start' in decision, ...('refuse' in decision && { reason: decision.refuse }) }];
  });
}

const grantLifeSec = 600;

/**
 * Puts a label on an issue in the caller's name: the platform's token applies it, and the caller's approval of exactly this label goes
 * ahead as a grant that the webhook of the bot's action uses up once (FR-027, reference §2.6).
 */
export async function labelIssue(
  context: Context,
  { actor, projectId, repositoryId, issueNumber, label }: RepositoryPath & { issueNumber: number; label: string },
): Promise<void> {
  const repository = await findProjectRepository(context, { projectId, repositoryId });
  const known = context.labels.all.find(({ text }) => text.toLowerCase() === label.toLowerCase());
  if (!known) throw new AppError('request.unprocessable', `The catalogue has no label ${label}.`, { field: 'body.label' });
  if (known.spec.key === 'state:approved')
    throw new AppError('request.unprocessable', 'Approve the request in the inbox instead.', { field: 'body.label' });
  const provider = providerOf(context, repository);
  const issue = await provider.getIssue(repository, issueNumber);
  if (!issue) throw new AppError('request.unprocessable', `There is no issue #${issueNumber}.`, { field: 'path.issue_number' });
  const [question] = known.spec.trigger
    ? (await listOne(context, { repository, issue, actor, projectId })).filter((one) => one.label === known.text)
    : [];
  if (known.spec.trigger && !question?.allowed) {
    throw new AppError('run.precondition_failed', `${known.text} cannot start now: ${question?.reason ?? 'stage_not_available'}.`, {
      field: 'body.label',
    });
  }
  await grantLabel(context, { actor, repository, issueNumber, label: known.text });
  // A label that is there already sends no event when it is added again.
  if (issue.labels.includes(known.text)) await provider.removeLabel(repository, issueNumber, known.text);
  await provider.addLabels(repository, issueNumber, [known.text]);
}

async function listOne(
  context: Context,
  { repository, issue, actor, projectId }: { repository: Repository; issue: Issue; actor: Actor; projectId: string },
): Promise<IssueView['triggers']> {
  const [runs, role] = await Promise.all([latestRuns(context.store.db, repository.id), roleOf(context, { actor, projectId })]);
  const latestRun = runs.find((run) => run.issueNumber === issue.number);
  return triggersFor(context, { repository, issue, actor, role: isAdmin(actor) ? 'admin' : role, latestRun });
}

async function grantLabel(
  context: Context,
  { actor, repository, issueNumber, label }: { actor: Actor; repository: Repository; issueNumber: number; label: string },
): Promise<void> {
  const by = { type: 'human', id: actor.githubLogin ? `github:${actor.githubLogin}` : actor.email } as const;
  const correlationId = randomUUID();
  await context.store.db.transaction().execute(async (tx) => {
    const { request } = await requestAction(tx, {
      correlationId,
      runId: undefined,
      projectId: repository.projectId,
      repositoryId: repository.id,
      issueNumber,
      toolName: 'github_labels_add',
      action: 'label_apply',
      target: { repository: `${repository.owner}/${repository.name}`, issue_number: issueNumber, label },
      requestedBy: by,
      expiresInSec: grantLifeSec,
    });
    await decideAction(tx, { id: request.id, state: 'applied', actor: by, reason: 'set in the console' });
    await recordEvent(tx, {
      type: 'label.requested',
      correlationId,
      projectId: repository.projectId,
      actor: by,
      payload: { label, issue_number: issueNumber, source: 'human' },
    });
  });
}
