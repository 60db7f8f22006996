import {
  findRunInReview,
  listOpenReworks,
  listOpenRunsOfIssue,
  moveRun,
  recordIssueClosed,
  recordIssueReopened,
  type Tx,
} from '@codex-k8s/store';
import type { Context } from './context.ts';
import type { EventInput, RuleOutcome } from './event-rule.ts';
import { abandonDelivery, abandonRework, approveDelivery } from './owner-decision.ts';

/** A closed issue needs no more work: unfinished runs are cancelled. What is already delivered stays for its pull request's own fate. */
export async function onIssueClosed(_context: Context, tx: Tx, { payload, repository, sender }: EventInput): Promise<RuleOutcome> {
  if (!payload.issue) return { result: 'accepted' };
  const place = { repositoryId: repository.id, issueNumber: payload.issue.number };
  if (payload.issue.updated_at) await recordIssueClosed(tx, { ...place, at: new Date(payload.issue.updated_at) });
  const open = await listOpenRunsOfIssue(tx, place);
  const cancelled: string[] = [];
  for (const { id, status } of open) {
    if (status === 'waiting_owner_review') continue;
    const failure = { code: 'run.issue_closed', message: `The issue was closed by ${sender.id}.` } as const;
    if (await moveRun(tx, 'cancel', { id, actor: sender, failure })) cancelled.push(id);
  }
  return { result: 'accepted', details: { cancelled_runs: cancelled } };
}

export async function onIssueReopened(_context: Context, tx: Tx, { payload: { issue }, repository }: EventInput): Promise<RuleOutcome> {
  if (issue?.updated_at)
    await recordIssueReopened(tx, { repositoryId: repository.id, issueNumber: issue.number, at: new Date(issue.updated_at) });
  return { result: 'accepted' };
}

/** Merging is the owner's yes, closing without merging the no. */
export async function onPullRequestClosed(context: Context, tx: Tx, { payload, repository, sender }: EventInput): Promise<RuleOutcome> {
  const { pull_request: pullRequest } = payload;
  if (!pullRequest) return { result: 'accepted' };
  const place = { repositoryId: repository.id, prNumber: pullRequest.number };
  const merged = pullRequest.merged === true;
  // What is being delivered at this moment is the worker's to settle: it looks at the pull request again (closed-by-a-person.ts).
  for (const rework of (await listOpenReworks(tx, place)).filter(({ attemptResult }) => attemptResult === null)) {
    await abandonRework(context, tx, { run: rework, actor: sender, merged });
  }
  const run = await findRunInReview(tx, place);
  if (!run) return { result: 'accepted' };
  if (merged) await approveDelivery(context, tx, { run, actor: sender, via: 'merge' });
  else
    await abandonDelivery(tx, {
      run,
      actor: sender,
      code: 'run.pull_request_closed',
      message: `The pull request was closed by ${sender.id}.`,
    });
  return { result: 'accepted', details: { run_id: run.id, merged } };
}
