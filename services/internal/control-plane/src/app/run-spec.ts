import { createHash } from 'node:crypto';
import { AppError } from '@codex-k8s/domain';
import {
  findFirstEvent,
  findSessionToContinue,
  getProject,
  getRepository,
  getRun,
  getSession,
  openSession,
  pinPrompt,
  recordEvent,
  type AgentSession,
  type Repository,
  type Run,
} from '@codex-k8s/store';
import { providerOf, repositoryToken, system, type Context } from './context.ts';
import { renderPrompt, resolveTemplate, templateKind, type Locale } from './prompt.ts';
import type { Feedback, RunPayload } from './start-run.ts';

/** The caller behind a run token: one attempt of one run. */
export interface RunCaller {
  readonly runId: string;
  readonly attempt: number;
}

/** The run of a caller. `run.attempt_superseded`: a newer attempt has it, or it is over. */
export async function loadRun({ store }: Context, { runId, attempt }: RunCaller): Promise<Run> {
  const run = await getRun(store.db, runId);
  if (!run) throw new AppError('run.not_found', 'There is no such run.');
  if (run.attempt !== attempt || run.finishedAt !== null) {
    throw new AppError('run.attempt_superseded', `Attempt ${attempt} is not the current one (${run.status}, attempt ${run.attempt}).`);
  }
  return run;
}

export interface WorkOrder {
  readonly run: Run;
  readonly agentName: string;
  readonly repository: Repository;
  readonly token: string;
  readonly prompt: string;
  readonly session: AgentSession | undefined;
  /** The branch's head when the run began. Undefined: it has not begun yet. */
  readonly startSha: string | undefined;
}

/** All a runner needs. The prompt is pinned at the first attempt, so every attempt says the same. */
export async function getWorkOrder(context: Context, caller: RunCaller): Promise<WorkOrder> {
  const { store, config } = context;
  const run = await loadRun(context, caller);
  const repository = run.repositoryId === null ? undefined : await getRepository(store.db, run.repositoryId);
  if (!repository) throw new AppError('run.precondition_failed', 'The repository was removed from the platform.');
  await openSession(store.db, run);
  const project = await getProject(store.db, run.projectId);
  const prompt = await assemblePrompt(context, { run, repository, locale: project?.settings.locale ?? config.defaultLocale });
  return {
    run,
    agentName: run.agentKey,
    repository,
    token: repositoryToken(context, repository),
    prompt,
    session: await sessionToRestore(context, run),
    startSha: await startOf(context, run),
  };
}

async function assemblePrompt(
  context: Context,
  { run, repository, locale }: { run: Run; repository: Repository; locale: Locale },
): Promise<string> {
  const { store } = context;
  const known = await getSession(store.db, run.id);
  const pinned = (known?.sessionJson as { prompt?: string } | undefined)?.prompt; // written by pinPrompt only
  if (pinned !== undefined) return pinned;
  const template = await resolveTemplate(store.db, { run, locale });
  const feedback = run.runKind === 'revise' ? await collectFeedback(context, { run, repository }) : [];
  const { prompt, hash } = await renderPrompt({ run, template, feedback });
  const result = await pinPrompt(store.db, {
    runId: run.id,
    kind: templateKind(run),
    source: template.source,
    locale: template.locale,
    hash,
    prompt,
  });
  await recordEvent(store.db, {
    type: 'prompt.context.assembled',
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: system,
    key: 'prompt',
    payload: {
      template_source: template.source,
      template_locale: template.locale,
      template_hash: createHash('sha256').update(template.body).digest('hex'),
      prompt_hash: hash,
      render_context_version: 'v1',
    },
  });
  return result.prompt;
}

/** What people said about the pull request: the words of the decision, and the line comments on the host. */
async function collectFeedback(context: Context, { run, repository }: { run: Run; repository: Repository }): Promise<Feedback[]> {
  const given = (run.runPayload as unknown as RunPayload).feedback ?? []; // written by startStageRun only
  if (run.prNumber === null) return [...given];
  const provider = providerOf(context, repository);
  const bot = context.config.gitUser.name;
  const [reviews, comments] = await Promise.all([
    provider.listReviews(repository, run.prNumber),
    provider.listReviewComments(repository, run.prNumber),
  ]);
  const inline = comments
    .filter(({ author }) => author !== bot)
    .map(({ author, path, line, body }) => ({ author, body: `${path}${line === undefined ? '' : `:${line}`}\n${body}` }));
  if (given.some(({ body }) => body.trim() !== '')) return [...given, ...inline];
  const latest = reviews.findLast(({ author, state, body }) => author !== bot && state === 'changes_requested' && body.trim() !== '');
  const remarks = await provider.listComments(repository, run.prNumber);
  const spoken = remarks
    .filter(({ author, body }) => author !== bot && !body.includes('codex-k8s:'))
    .map(({ author, body }) => ({ author, body }));
  return [...(latest ? [{ author: latest.author, body: latest.body }] : spoken.slice(-3)), ...inline];
}

/** Kept by the first attempt's event, so that an attempt in a new workspace still knows which commits are of this run. */
async function startOf({ store }: Context, { id: runId }: Run): Promise<string | undefined> {
  const prepared = await findFirstEvent(store.db, { runId, type: 'run.workspace.prepared' });
  return (prepared?.payload as { start_sha?: string } | undefined)?.start_sha; // written by the runner
}

/** Its own snapshot after a restart; for a revise the newest session of the same agent on the branch (reference §5.8). */
async function sessionToRestore({ store }: Context, run: Run): Promise<AgentSession | undefined> {
  const own = await getSession(store.db, run.id);
  if (own && (own.turns > 0 || own.snapshot !== null)) return own;
  if (run.runKind !== 'revise') return undefined;
  return findSessionToContinue(store.db, {
    repositoryFullName: run.repositoryFullName,
    branch: run.branch,
    agentKey: run.agentKey,
    exceptRunId: run.id,
  });
}
