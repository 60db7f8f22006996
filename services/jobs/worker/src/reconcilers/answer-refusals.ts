import { refusalAnswers, refusalReasons, type RefusalReason } from '@codex-k8s/domain';
import type { Reconciler } from '@codex-k8s/runtime';
import { getProject, getRepository, claimUnansweredDeliveries, markDeliveryAnswered, recordEvent, type Delivery } from '@codex-k8s/store';
import { refusalComment, type RefusalFacts } from '../app/comment-texts.ts';
import { hostOfRepository, worker, type Context } from '../app/context.ts';
import { each } from '../app/each.ts';
import { mayPass, waitSecOf } from '../app/try-again.ts';

const retrySec = 30;
/** A token that was revoked may be replaced, so an explanation is kept for a while. */
const deniedRetrySec = 3_600;
const keptMs = 24 * 3_600_000;

/** People who set a label hear why nothing started, with the remedy; where the reference says so the label is taken off again. */
export function answerRefusals(context: Context): Reconciler {
  const { config, store, log } = context;
  return {
    name: 'answer-refusals',
    everyMs: config.pollMs,
    reconcile: async () => {
      const rows = (await claimUnansweredDeliveries(store.db, { limit: 20, claimSec: 60 })).map((delivery) => ({
        id: delivery.deliveryId,
        correlationId: delivery.deliveryId,
        delivery,
      }));
      return each(
        log,
        rows,
        ({ delivery }) => answer(context, delivery),
        async ({ id, delivery }, error) => {
          const isTooLate = Date.now() - delivery.receivedAt.getTime() > keptMs;
          const retryInSec = mayPass(error) ? waitSecOf(error, retrySec) : deniedRetrySec;
          await markDeliveryAnswered(store.db, isTooLate ? { deliveryId: id } : { deliveryId: id, retryInSec });
        },
      );
    },
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
    const known = await provider.findComment(repository, issueNumber, `codex-k8s:refusal ${deliveryId}`);
    if (!known) await provider.createComment(repository, issueNumber, body);
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
