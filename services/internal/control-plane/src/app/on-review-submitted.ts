import { permitSender } from '@codex-k8s/domain';
import { findRunInReview, findSender, type Tx } from '@codex-k8s/store';
import type { Context } from './context.ts';
import type { EventInput, RuleOutcome } from './event-rule.ts';
import { approveDelivery, requestChanges } from './owner-decision.ts';

/** A person's review on the host decides like the console. A review of an older commit is no decision on what is there now. */
export async function onReviewSubmitted(
  context: Context,
  tx: Tx,
  { deliveryId, payload, repository, sender }: EventInput,
): Promise<RuleOutcome> {
  const { review, pull_request: pullRequest, sender: account } = payload;
  if (!review || !pullRequest || !account) return { result: 'accepted' };
  const state = review.state.toLowerCase();
  if (state !== 'approved' && state !== 'changes_requested') return { result: 'accepted' };
  const run = await findRunInReview(tx, { repositoryId: repository.id, prNumber: pullRequest.number });
  if (!run) return { result: 'ignored', reason: 'no_run_in_review' };
  const user = await findSender(tx, { githubUserId: account.id, githubLogin: account.login, projectId: repository.projectId });
  const permission = permitSender({ login: account.login, isBot: account.type === 'Bot', hasGrant: false, ...(user && { user }) });
  if ('refuse' in permission) return { result: 'ignored', reason: permission.refuse };
  if (review.commit_id && run.headSha && review.commit_id !== run.headSha) return { result: 'ignored', reason: 'review_of_other_commit' };
  if (state === 'approved') {
    const approved = await approveDelivery(context, tx, { run, actor: sender, via: 'pull_request_review' });
    return approved ? { result: 'accepted', runId: approved.id } : { result: 'ignored', reason: 'already_decided' };
  }
  const revise = await requestChanges(context, tx, {
    run,
    actor: sender,
    via: 'pull_request_review',
    correlationId: deliveryId,
    feedback: [{ author: account.login, body: review.body ?? '' }],
  });
  return revise ? { result: 'accepted', runId: revise.id } : { result: 'ignored', reason: 'already_decided' };
}
