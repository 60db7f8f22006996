/** A delivery exists when the code host says so: branch, head, commits and pull request are asked for, the pull request is opened if missing. */
import { AppError, isAppError, type PullRequest } from '@codex-k8s/domain';
import { inSpan, ofRun, traceNewRun } from '@codex-k8s/runtime';
import { addLink, changeRun, createReviewRun, findFirstEvent, moveRun, recordEvent, requestAction, type Run } from '@codex-k8s/store';
import type { AttemptClaim } from './attempt-claim.ts';
import { acceptMerged, followClosed } from './closed-by-a-person.ts';
import { hostOf, worker, type Context, type Host } from './context.ts';
import { failRun, setStage } from './fail-run.ts';
import { verificationOf, type Check, type Verification } from './verification.ts';

/**
 * Moves the run to owner review, or fails it with what the host does not confirm. Repeating it after a crash changes nothing twice.
 * False: the run moved on meanwhile.
 */
export async function deliver(context: Context, run: Run, claim: AttemptClaim): Promise<boolean> {
  if (run.report === null) throw new AppError('run.report_missing', 'The agent ended without submitting its report.');
  const host = await hostOf(context, run);
  const branchChecks = await checkBranch(context, host, run, claim);
  const failed = branchChecks.find(({ ok }) => !ok);
  if (failed) {
    return failRun(context, {
      run,
      code: failed.name === 'commits_of_this_run' ? 'run.nothing_delivered' : 'run.delivery_unconfirmed',
      message: `GitHub does not confirm ${failed.name}: ${failed.detail ?? ''}`,
      verification: verificationOf(branchChecks),
    });
  }
  const pullRequest = await ensurePullRequest(context, host, run);
  const checks: Check[] = [
    ...branchChecks,
    {
      name: 'pull_request_open',
      ok: pullRequest.state === 'open' || pullRequest.merged,
      detail: `#${pullRequest.number} is ${pullRequest.merged ? 'merged' : pullRequest.state}`,
    },
    { name: 'pull_request_head_matches', ok: pullRequest.headSha === claim.head_sha, detail: pullRequest.headSha },
  ];
  const verification = verificationOf(checks);
  if (!verification.confirmed) {
    return failRun(context, {
      run,
      code: 'run.delivery_unconfirmed',
      message: `GitHub does not confirm the pull request #${pullRequest.number}.`,
      verification,
    });
  }
  if (pullRequest.merged) return acceptMerged(context, { run, pullRequest, verification });
  const moved = await putInReview(context, { run, pullRequest, verification });
  if (moved) await followClosed(context, host, { run: moved, verification });
  return moved !== undefined;
}

async function checkBranch(context: Context, { provider, repository }: Host, run: Run, claim: AttemptClaim): Promise<Check[]> {
  const sha = await provider.getBranchSha(repository, run.branch);
  if (sha === undefined) {
    await provider.validateRepository(repository); // a repository that is gone has no branch either, and that is the better answer
    return [{ name: 'branch_exists', ok: false, detail: `there is no branch ${run.branch}` }];
  }
  const { aheadBy } = await provider.compare(repository, run.baseBranch, run.branch);
  const own = await ownCommits(context, { provider, repository }, run);
  return [
    { name: 'branch_exists', ok: true, detail: run.branch },
    { name: 'head_matches', ok: sha === claim.head_sha, detail: sha },
    { name: 'commits_ahead', ok: aheadBy > 0, detail: `${aheadBy} ahead of ${run.baseBranch}` },
    ...(own === undefined ? [] : [{ name: 'commits_of_this_run', ok: own > 0, detail: `${own} since the run began` } as const]),
  ];
}

/** A branch is continued by later runs of its issue: what an earlier run left there is not this one's delivery. Undefined: not on record. */
async function ownCommits(context: Context, { provider, repository }: Host, run: Run): Promise<number | undefined> {
  const prepared = await findFirstEvent(context.store.db, { runId: run.id, type: 'run.workspace.prepared' });
  const { start_sha: startSha } = (prepared?.payload ?? {}) as { start_sha?: string }; // written by the runner
  return startSha === undefined ? undefined : (await provider.compare(repository, startSha, run.branch)).aheadBy;
}

/** `run.pull_request_closed`: a person closed it, or merged another state of it. */
async function ensurePullRequest(context: Context, { provider, repository }: Host, run: Run): Promise<PullRequest> {
  const open = await provider.findOpenPullRequest(repository, run.branch);
  if (open) {
    // Remembered at once: repeated after a crash, this must not open a second one for what a person closed meanwhile.
    const set = { prNumber: open.number, prUrl: open.htmlUrl };
    if (run.prNumber !== open.number) await changeRun(context.store.db, { id: run.id, attempt: run.attempt, set });
    return open;
  }
  const known = run.prNumber === null ? undefined : await provider.getPullRequest(repository, run.prNumber);
  const isOurs = known?.merged === true && known.headSha === (run.attemptResult as unknown as AttemptClaim).head_sha; // as in settle
  if (known && isOurs) return known;
  if (known || run.runKind === 'revise') {
    const what = known ? `#${known.number} was ${known.merged ? 'merged' : 'closed'}` : 'is not there any more';
    throw new AppError('run.pull_request_closed', `The pull request of this branch ${what} before the run had delivered.`);
  }
  return openPullRequest(context, { provider, repository }, run);
}

async function openPullRequest(context: Context, { provider, repository }: Host, run: Run): Promise<PullRequest> {
  const report = run.report as { summary: string; pr_title?: string; pr_body?: string }; // checked by submit_result
  const draft = {
    title: report.pr_title ?? run.issueTitle ?? `Run ${run.id}`,
    body: pullRequestBody(report.pr_body ?? report.summary, { run, publicUrl: context.config.publicUrl }),
    headBranch: run.branch,
    baseBranch: run.baseBranch,
  };
  try {
    return await inSpan('open pull request', ofRun(run), async (span) => {
      const opened = await provider.createPullRequest(repository, draft);
      span.set({ 'vcs.change.id': String(opened.number) });
      const set = { prNumber: opened.number, prUrl: opened.htmlUrl };
      await changeRun(context.store.db, { id: run.id, attempt: run.attempt, set });
      return opened;
    });
  } catch (error) {
    // Another worker, or the agent itself, may have opened it a moment ago: the host allows one per branch.
    const other = isAppError(error, 'github.rejected') ? await provider.findOpenPullRequest(repository, run.branch) : undefined;
    if (other) return other;
    throw error;
  }
}

/** The agent's words, the link that closes the issue (once), and the run. */
function pullRequestBody(words: string, { run, publicUrl }: { run: Run; publicUrl: string }): string {
  const closes = `Closes #${run.issueNumber}`;
  return [words, ...(words.includes(closes) ? [] : [closes]), `[Run ${run.id}](${publicUrl}/runs/${run.id})`].join('\n\n');
}

async function putInReview(
  context: Context,
  { run, pullRequest, verification }: { run: Run; pullRequest: PullRequest; verification: Verification },
): Promise<Run | undefined> {
  const { store, config } = context;
  const { number: prNumber, htmlUrl: prUrl, headSha } = pullRequest;
  const inReview = await store.db.transaction().execute(async (tx) => {
    const moved = await moveRun(tx, 'awaitOwner', {
      id: run.id,
      attempt: run.attempt,
      actor: worker,
      set: { prNumber, prUrl, headSha, verification: JSON.stringify(verification) },
      payload: { wait_state: 'owner_review', pr_number: prNumber },
    });
    if (!moved) return undefined;
    const about = { correlationId: run.correlationId, runId: run.id, projectId: run.projectId, actor: worker };
    await recordEvent(tx, {
      ...about,
      type: run.runKind === 'revise' ? 'run.pr.updated' : 'run.pr.created',
      payload: { branch: run.branch, pr_number: prNumber, pr_url: prUrl, head_sha: headSha },
    });
    await recordEvent(tx, { ...about, type: 'run.delivery.verified', payload: { ...verification } });
    await setStage(tx, moved, 'in_review');
    await requestAction(tx, {
      correlationId: run.correlationId,
      runId: run.id,
      projectId: run.projectId,
      repositoryId: run.repositoryId ?? undefined,
      issueNumber: run.issueNumber ?? undefined,
      prNumber,
      toolName: 'owner_review',
      action: 'accept_delivery',
      target: { repository: run.repositoryFullName, pr_number: prNumber, branch: run.branch, head_sha: headSha },
      requestedBy: { type: 'agent', id: run.agentKey },
      expiresInSec: config.reviewExpiresSec,
    });
    const review = await createReviewRun(tx, { of: moved, headSha, actor: worker, source: 'delivery' });
    if (review) traceNewRun(review);
    return moved;
  });
  if (!inReview) return undefined;
  await addLink(store.db, { source: ['run', run.id], target: ['pr', `${run.repositoryFullName}#${prNumber}`], type: 'implements' });
  await addLink(store.db, {
    source: ['pr', `${run.repositoryFullName}#${prNumber}`],
    target: ['issue', `${run.repositoryFullName}#${run.issueNumber}`],
    type: 'implements',
  });
  return inReview;
}
