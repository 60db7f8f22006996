import { permitSender } from '@codex-k8s/domain';
import { traceNewRun } from '@codex-k8s/runtime';
import { createReviewRun, findRunOfPullRequest, findSender, type Tx } from '@codex-k8s/store';
import type { Context } from './context.ts';
import type { EventInput, RuleOutcome } from './event-rule.ts';

/** `need:reviewer` on a pull request of ours asks for a pre-review of its present head. */
export async function onPullRequestLabeled(context: Context, tx: Tx, { payload, repository, sender }: EventInput): Promise<RuleOutcome> {
  const { pull_request: pullRequest, label, sender: account } = payload;
  if (!pullRequest?.head || label?.name !== context.labels.text('need:reviewer') || !account) return { result: 'accepted' };
  const user = await findSender(tx, { githubUserId: account.id, githubLogin: account.login, projectId: repository.projectId });
  const permission = permitSender({ login: account.login, isBot: account.type === 'Bot', hasGrant: false, ...(user && { user }) });
  if ('refuse' in permission) return { result: 'ignored', reason: permission.refuse };
  const of = await findRunOfPullRequest(tx, { repositoryId: repository.id, prNumber: pullRequest.number });
  if (!of) return { result: 'ignored', reason: 'pull_request_not_ours' };
  const run = await createReviewRun(tx, { of, headSha: pullRequest.head.sha, actor: sender, source: 'pull_request_label' });
  if (run) traceNewRun(run);
  return run ? { result: 'accepted', runId: run.id } : { result: 'ignored', reason: 'review_exists' };
}
