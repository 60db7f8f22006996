import { refusalAnswers, refusalReasons, type RefusalReason } from '@codex-k8s/domain';
import type { Reconciler } from '@codex-k8s/runtime';
import {
  getProject,
  getRepository,
  claimUnansweredDeliveries,
  markDeliveryAnswered,
  recordEvent,
  type Delivery,
  type Repository,
} from '@codex-k8s/store';
import { refusalComment, type RefusalFacts } from '../app/comment-texts.ts';
import { hostOfRepository, worker, type Context } from '../app/context.ts';
import { overlappingPass } from '../app/each.ts';
import { commentWaitSec } from '../app/try-again.ts';

const retrySec = 30;
/** How long the delivery of a worker that died meanwhile stays unanswered. */
const claimSec = 60;
/** A token that was revoked may be replaced, so an explanation is kept for a while. */
const keptMs = 24 * 3_600_000;

/** People who set a label hear why nothing started, with the remedy; where the reference says so the label is taken off again. */
export function answerRefusals(context: Context): Reconciler {
  const { config, store, log } = context;
  return {
    name: 'answer-refusals',
    everyMs: config.pollMs,
    restMs: 500,
    overlaps: true,
    reconcile: overlappingPass(log, {
      read: async (options) => {
        const deliveries = await claimUnansweredDeliveries(store.db, { claimSec, ...options });
        return deliveries.map((delivery) => ({ ...delivery, id: delivery.deliveryId, correlationId: delivery.deliveryId }));
      },
      act: (delivery) => answer(context, delivery),
      onError: async ({ deliveryId, repositoryId, receivedAt, claimedAt: since }, error) => {
        const isTooLate = since.getTime() - receivedAt.getTime() > keptMs;
        const retryInSec = await commentWaitSec(context, { error, repositoryId, since, retrySec });
        await markDeliveryAnswered(store.db, isTooLate ? { deliveryId } : { deliveryId, retryInSec });
      },
    }),
  };
}

function isRefusal(reason: string | null): reason is RefusalReason {
  return (refusalReasons as readonly (string | null)[]).includes(reason);
}

async function answer(context: Context, delivery: Delivery): Promise<void> {
  const { store, config } = context;
  const { deliveryId, reason, repositoryId, issueNumber } = delivery;
  const repository = repositoryId === null ? undefined : await getRepository(store.db, repositoryId);
  if (repository && issueNumber !== null && isRefusal(reason)) {
    const { provider } = hostOfRepository(context, repository);
    const project = await getProject(store.db, repository.projectId);
    const facts = delivery.details as RefusalFacts; // written by the trigger rule
    const body = refusalComment(reason, facts, {
      locale: project?.settings.locale ?? config.defaultLocale,
      publicUrl: config.publicUrl,
      deliveryId,
    });
    if (!(await isSaid(context, repository, { issueNumber, body }))) await provider.createComment(repository, issueNumber, body);
    if (refusalAnswers[reason].removeLabel && facts.label !== undefined) await provider.removeLabel(repository, issueNumber, facts.label);
    await recordEvent(store.db, {
      type: reason === 'issue_trigger_label_conflict' ? 'run.trigger.conflict.comment' : 'label.rejected',
      correlationId: deliveryId,
      projectId: repository.projectId,
      actor: worker,
      payload: { reason, issue_number: issueNumber, ...facts },
    });
  }
  await markDeliveryAnswered(store.db, { deliveryId });
}

/** By an earlier try; or the last word on the issue says the same, since two labels set at once come as two deliveries. */
async function isSaid(
  context: Context,
  repository: Repository,
  { issueNumber, body }: { issueNumber: number; body: string },
): Promise<boolean> {
  const [text = '', marker = ''] = body.split('\n\n<!-- ');
  const comments = await hostOfRepository(context, repository).provider.listComments(repository, issueNumber);
  return comments.some((comment) => comment.body.includes(marker)) || comments.at(-1)?.body.startsWith(text) === true;
}
