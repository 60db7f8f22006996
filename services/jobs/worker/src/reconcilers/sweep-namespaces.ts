import { AppError } from '@codex-k8s/domain';
import type { Reconciler } from '@codex-k8s/runtime';
import { claimExpiredNamespaces, forgetNamespace, getRun, recordEvent, type RunNamespace } from '@codex-k8s/store';
import type { Namespaces } from '../app/agent-runtime.ts';
import { worker, type Context } from '../app/context.ts';

const everyMs = 10_000;
const lookAgainSec = 15;

/** Namespaces nobody may come back to are deleted: only those on record, by the UID on record, and only with both labels of the platform. */
export function sweepNamespaces(context: Context): Reconciler {
  const { config, store, runtime, log } = context;
  return {
    name: 'sweep-namespaces',
    everyMs,
    reconcile: async () => {
      if (!runtime.namespaces) return 0;
      const wanted = { keepSec: config.workspaceKeepSec, retrySec: lookAgainSec, limit: 50 };
      let gone = 0;
      for (const namespace of await claimExpiredNamespaces(store.db, wanted)) {
        try {
          if (await sweep(context, runtime.namespaces, namespace)) gone += 1;
        } catch (err) {
          log.warn({ namespace: namespace.name, err }, 'namespace could not be deleted, tried again later');
        }
      }
      return gone;
    },
  };
}

/** True: it is off the record. */
async function sweep(context: Context, namespaces: Namespaces, namespace: RunNamespace): Promise<boolean> {
  const { store } = context;
  try {
    if ((await namespaces.remove(namespace)) === 'leaving') return false;
    await record(context, namespace, 'run.namespace.cleaned', {});
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'kube.not_ours')) throw error;
    await record(context, namespace, 'run.namespace.cleanup_failed', { code: error.code, message: error.message }); // it is left alone for good
  }
  await forgetNamespace(store.db, namespace.name);
  return true;
}

async function record(
  { store }: Context,
  { name, runId }: RunNamespace,
  type: 'run.namespace.cleaned' | 'run.namespace.cleanup_failed',
  payload: object,
): Promise<void> {
  const run = await getRun(store.db, runId);
  if (!run) return; // its project was deleted
  await recordEvent(store.db, {
    type,
    correlationId: run.correlationId,
    runId,
    projectId: run.projectId,
    actor: worker,
    key: `${name}/${type}`,
    payload: { namespace: name, ...payload },
  });
}
