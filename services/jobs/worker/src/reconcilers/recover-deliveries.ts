import { randomUUID } from 'node:crypto';
import { describeError, isRetryable, type RepositoryProvider } from '@codex-k8s/domain';
import type { Reconciler } from '@codex-k8s/runtime';
import { knownDeliveries, listRepositories, recordEvent, type Repository } from '@codex-k8s/store';
import { hostOfRepository, worker, type Context } from '../app/context.ts';

const lookBackMs = 24 * 3_600_000;
/** The host may list a delivery somewhat later than one that came after it. */
const overlapMs = 120_000;
const perPass = 20;

/**
 * Deliveries the host could not hand over while the platform was away are asked for again: a missed webhook costs time, not work. A worker that
 * begins looks back a day, and then only to what it has not seen to: a busy repository has many pages a day, and the host counts requests.
 */
export function recoverDeliveries(context: Context): Reconciler {
  const { config, store, log } = context;
  const seenTo = new Map<string, Date>();
  return {
    name: 'recover-deliveries',
    everyMs: config.redeliveryMs,
    reconcile: async () => {
      for (const repository of await listRepositories(store.db)) {
        try {
          const hook = `${repository.id}/${repository.hookId}`;
          const since = seenTo.get(hook) ?? new Date(Date.now() - lookBackMs);
          seenTo.set(hook, await recover(context, repository, since));
        } catch (error) {
          log.info(
            { repository: `${repository.owner}/${repository.name}`, ...describeError(error) },
            'deliveries could not be looked through',
          );
        }
      }
      return 0;
    },
  };
}

/** Returns from when on to look the next time. */
async function recover(context: Context, repository: Repository, since: Date): Promise<Date> {
  if (repository.hookId === null) return since;
  const { provider } = hostOfRepository(context, repository);
  const deliveries = await provider.listHookDeliveries(repository, repository.hookId, since);
  const arrived = new Set(deliveries.filter(({ statusCode }) => statusCode >= 200 && statusCode < 300).map(({ guid }) => guid));
  const missing = new Map(
    deliveries.filter(({ guid, event }) => event !== 'ping' && !arrived.has(guid)).map((delivery) => [delivery.guid, delivery]),
  );
  const known = await knownDeliveries(context.store.db, [...missing.keys()]);
  // The host lists the newest first; what happened first must arrive first, or a closed issue would be worked on.
  const unknown = [...missing.values()].filter(({ guid }) => !known.has(guid)).toReversed();
  for (const { guid, id, event } of unknown.slice(0, perPass)) {
    if (!(await redeliver(context, provider, { repository, hookId: repository.hookId, id }))) continue;
    await recordEvent(context.store.db, {
      type: 'repository.delivery.redelivered',
      correlationId: randomUUID(),
      projectId: repository.projectId,
      actor: worker,
      payload: { delivery_id: guid, event_type: event, repository: `${repository.owner}/${repository.name}` },
    });
  }
  const newest = deliveries[0]?.deliveredAt; // by the host's clock
  if (!newest || unknown.length > perPass) return since;
  return new Date(Math.max(since.getTime(), newest.getTime() - overlapMs));
}

/** False: the host does not hand over this one, such as an expired one; the others must not wait for it. */
async function redeliver(
  { log }: Context,
  provider: RepositoryProvider,
  { repository, hookId, id }: { repository: Repository; hookId: number; id: number },
): Promise<boolean> {
  try {
    await provider.redeliver(repository, hookId, id);
    return true;
  } catch (error) {
    if (isRetryable(error)) throw error;
    log.info(
      { repository: `${repository.owner}/${repository.name}`, delivery: id, ...describeError(error) },
      'delivery is not handed over',
    );
    return false;
  }
}
