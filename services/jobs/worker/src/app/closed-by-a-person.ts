/**
 * A person may close or merge the pull request while it is being delivered. Its event comes before the run waits for the owner, finds no
 * run to decide on and passes; so the host is asked once more behind the move.
 */
import type { PullRequest } from '@codex-k8s/domain';
import { decideAction, findOpenRequest, moveRun, type Run } from '@codex-k8s/store';
import { worker, type Context, type Host } from './context.ts';
import { failRun, setStage } from './fail-run.ts';
import type { Verification } from './verification.ts';

interface Merged {
  readonly run: Run;
  readonly pullRequest: PullRequest;
  readonly verification: Verification;
}

/** Merging is the owner's yes to what was delivered. False: the run moved on meanwhile. */
export async function acceptMerged({ store }: Context, { run, pullRequest, verification }: Merged): Promise<boolean> {
  const { number: prNumber, htmlUrl: prUrl, headSha } = pullRequest;
  return store.db.transaction().execute(async (tx) => {
    const request = await findOpenRequest(tx, { runId: run.id, toolName: 'owner_review' });
    if (request) await decideAction(tx, { id: request.id, state: 'applied', actor: worker, reason: 'merge' });
    const moved = await moveRun(tx, 'succeed', {
      id: run.id,
      attempt: run.attempt,
      actor: worker,
      set: { prNumber, prUrl, headSha, verification: JSON.stringify(verification) },
      payload: { approved_via: 'merge', pr_number: prNumber },
    });
    if (moved) await setStage(tx, moved, 'approved');
    return moved !== undefined;
  });
}

/** Ends the wait of a run whose pull request was closed or merged before the wait began. */
export async function followClosed(
  context: Context,
  { provider, repository }: Host,
  { run, verification }: { run: Run; verification: Verification },
): Promise<void> {
  const pullRequest = run.prNumber === null ? undefined : await provider.getPullRequest(repository, run.prNumber);
  if (!pullRequest || pullRequest.state === 'open') return;
  if (pullRequest.merged) await acceptMerged(context, { run, pullRequest, verification });
  else {
    const message = `The pull request #${pullRequest.number} was closed while it was being delivered.`;
    await failRun(context, { run, code: 'run.pull_request_closed', message });
  }
}
