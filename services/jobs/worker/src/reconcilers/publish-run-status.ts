import { inSpan, ofRun, type Reconciler } from '@codex-k8s/runtime';
import { changeRun, getIssueStage, getProject, claimUnpublishedRuns, postponePublishing, recordEvent, type Run } from '@codex-k8s/store';
import { statusComment, statusMarker, type Locale } from '../app/comment-texts.ts';
import { hostOf, worker, type Context, type Host } from '../app/context.ts';
import { overlappingPass } from '../app/each.ts';
import { commentWaitSec } from '../app/try-again.ts';

const retrySec = 15;
/** How long a dead worker's comment stays behind; publishing takes a second or two. */
const claimSec = 20;

/**
 * Shows where a run stands on its issue or pull request: one comment, edited, and the labels. The state to show is derived from the row,
 * so whatever was missed in between, the last one is shown; an older state can never overwrite a newer one.
 */
export function publishRunStatus(context: Context): Reconciler {
  const { config, store, log } = context;
  return {
    name: 'publish-run-status',
    everyMs: config.pollMs,
    restMs: 500, // every event of every run wakes it
    overlaps: true,
    reconcile: overlappingPass(log, {
      read: (options) => claimUnpublishedRuns(store.db, { claimSec, ...options }),
      act: (run) => inSpan('publish status', ofRun(run), () => publish(context, run)),
      onError: async ({ id, repositoryId, claimedAt }, error) => {
        const waitSec = await commentWaitSec(context, { error, repositoryId, since: claimedAt, retrySec });
        await postponePublishing(store.db, { id, waitSec });
      },
    }),
  };
}

async function publish(context: Context, run: Run & { wantedState: string }): Promise<void> {
  const { store, config } = context;
  const number = commentTarget(run);
  if (number === undefined || run.repositoryId === null) {
    await changeRun(store.db, { id: run.id, set: { publishedState: run.wantedState, publishRetryAt: null } });
    return;
  }
  const host = await hostOf(context, run);
  const project = await getProject(store.db, run.projectId);
  const locale: Locale = project?.settings.locale ?? config.defaultLocale;
  const commentId = await upsertComment(host, { run, number, body: statusComment(run, { locale, publicUrl: config.publicUrl }) });
  await applyLabels(context, host, run);
  await changeRun(store.db, { id: run.id, set: { publishedState: run.wantedState, publishRetryAt: null, commentId } });
  await recordEvent(store.db, {
    type: 'run.status.comment.upserted',
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: worker,
    key: `comment/${run.wantedState}`,
    payload: { run_status: run.status, comment_id: commentId, number },
  });
}

/** The issue for a run that a label started; the pull request for what concerns one. */
function commentTarget(run: Run): number | undefined {
  const { source } = (run.runPayload as { trigger?: { source?: string } }).trigger ?? {}; // written by startStageRun and createReviewRun
  const isAboutPullRequest = run.runKind === 'review' || source === 'pull_request_review' || source === 'staff_decision';
  return (isAboutPullRequest ? run.prNumber : run.issueNumber) ?? undefined;
}

async function upsertComment(
  { provider, repository }: Host,
  { run, number, body }: { run: Run; number: number; body: string },
): Promise<number> {
  // The marker finds the comment that was created just before a crash.
  const known = run.commentId ?? (await provider.findComment(repository, number, statusMarker(run.id)))?.id;
  const updated = known === undefined ? undefined : await provider.updateComment(repository, known, body);
  if (updated) return updated.id;
  if (known === undefined && run.runKind !== 'review') await provider.addReaction(repository, number, 'eyes');
  return (await provider.createComment(repository, number, body)).id;
}

/** Labels follow the status (reference §3.1): the trigger goes when the run is over, review and approval are shown on issue and pull request. */
async function applyLabels(context: Context, { provider, repository }: Host, run: Run): Promise<void> {
  if (run.runKind === 'review' || run.issueNumber === null) return;
  const { labels, store } = context;
  const [inReview, approved] = [labels.text('state:in-review'), labels.text('state:approved')];
  const places = [run.issueNumber, ...(run.prNumber === null ? [] : [run.prNumber])];
  const removeTrigger = async (): Promise<void> => {
    if (run.triggerLabel !== null && run.issueNumber !== null) await provider.removeLabel(repository, run.issueNumber, run.triggerLabel);
  };
  switch (run.status) {
    case 'pending':
    case 'waiting_mcp':
      return;
    case 'running':
      for (const place of run.runKind === 'revise' ? places : []) {
        await provider.removeLabel(repository, place, inReview);
        await provider.removeLabel(repository, place, approved);
      }
      return;
    case 'waiting_owner_review':
      await removeTrigger();
      for (const place of places) await provider.addLabels(repository, place, [inReview]);
      return;
    case 'succeeded': {
      await removeTrigger();
      const stage = await getIssueStage(store.db, { repositoryId: repository.id, issueNumber: run.issueNumber });
      if (stage?.status !== 'approved' || stage.activeRunId !== run.id) return; // a revise has taken over
      for (const place of places) {
        await provider.removeLabel(repository, place, inReview);
        await provider.addLabels(repository, place, [approved]);
      }
      return;
    }
    case 'failed':
    case 'timed_out':
    case 'cancelled':
      await removeTrigger();
      for (const place of places) await provider.removeLabel(repository, place, inReview);
  }
}
