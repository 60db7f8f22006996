import type { Reconciler } from '@codex-k8s/runtime';
import { expireLogs, pruneDeliveries } from '@codex-k8s/store';
import type { Context } from '../app/context.ts';

const hourMs = 3_600_000;

/** Logs and the delivery ledger are kept for the configured time; events and runs stay (reference §8.5). */
export function expireHistory({ config, store, log }: Context): Reconciler {
  return {
    name: 'expire-history',
    everyMs: hourMs,
    reconcile: async () => {
      const expired = await expireLogs(store.db, { days: config.logRetentionDays, limit: 500 });
      const pruned = await pruneDeliveries(store.db, { days: config.deliveryRetentionDays });
      if (expired.length + pruned > 0) log.info({ expiredLogs: expired.length, prunedDeliveries: pruned }, 'history expired');
      return expired.length === 500 ? 1 : 0;
    },
  };
}
