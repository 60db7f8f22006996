import { setTimeout as sleep } from 'node:timers/promises';
import { activeStatuses, AppError, createLabels } from '@codex-k8s/domain';
import { githubProviders } from '@codex-k8s/github';
import { connectKube } from '@codex-k8s/kube';
import { inBatches, serveMetrics, serveStatus, startReconcilers, staticKeys, type Logger } from '@codex-k8s/runtime';
import { createMetrics } from '@codex-k8s/runtime/metrics';
import { countRunsByStatus, listOwnRuns, recordEventsOfRuns, releaseLeases, type Store } from '@codex-k8s/store';
import type { AgentRuntime, RuntimeEvent } from './app/agent-runtime.ts';
import { worker, type Context } from './app/context.ts';
import type { Config } from './config.ts';
import { answerRefusals } from './reconcilers/answer-refusals.ts';
import { endOverdueRuns, expireRequests } from './reconcilers/end-overdue-runs.ts';
import { expireHistory } from './reconcilers/expire-history.ts';
import { finishRuns } from './reconcilers/finish-runs.ts';
import { probeCluster } from './reconcilers/probe-cluster.ts';
import { publishRunStatus } from './reconcilers/publish-run-status.ts';
import { recoverDeliveries } from './reconcilers/recover-deliveries.ts';
import { startPendingRuns } from './reconcilers/start-pending-runs.ts';
import { sweepNamespaces } from './reconcilers/sweep-namespaces.ts';
import { cleanWorkspaces, sweepProcesses } from './reconcilers/sweep-processes.ts';
import { watchRuns } from './reconcilers/watch-runs.ts';
import { createKubernetesRuntime } from './runtime/kubernetes-runtime.ts';
import { createLocalRuntime } from './runtime/local-runtime.ts';

export { Config } from './config.ts';

export interface Dependencies {
  readonly config: Config;
  readonly store: Store;
  readonly log: Logger;
  /** What an agent process inherits, such as PATH. */
  readonly baseEnv: Readonly<Record<string, string | undefined>>;
}

const lastPassMs = 8_000;

/** Starts the reconcilers. Disposing stops them; agents of the local runtime save their session and end, to go on at the next start. */
export async function startWorker({ config, store, log, baseEnv }: Dependencies): Promise<AsyncDisposable> {
  const context = createContext({ config, store, log, baseEnv });
  const metrics = createMetrics('worker');
  const passes = metrics.histogram('codexk8s_reconciler_seconds', 'Time of one pass', ['reconciler']);
  const failures = metrics.counter('codexk8s_reconciler_failures_total', 'Passes that failed', ['reconciler']);
  const loops = startReconcilers(
    log,
    [
      startPendingRuns(context),
      watchRuns(context),
      probeCluster(context),
      finishRuns(context),
      endOverdueRuns(context),
      expireRequests(context),
      sweepProcesses(context),
      publishRunStatus(context),
      answerRefusals(context),
      recoverDeliveries(context),
      cleanWorkspaces(context),
      sweepNamespaces(context),
      expireHistory(context),
    ],
    {
      onPass: ({ name, seconds, failed }) => {
        passes.observe({ reconciler: name }, seconds);
        if (failed) failures.inc({ reconciler: name });
      },
    },
  );
  await store.listen('codexk8s', (key) => {
    if (!key.startsWith('log:')) loops.wake();
  });
  const runs = metrics.gauge('codexk8s_runs', 'Unfinished runs', ['status']);
  const countRuns = async (): Promise<void> => {
    const counts = await countRunsByStatus(store.read);
    for (const status of [...activeStatuses, 'waiting_owner_review']) runs.set({ status }, counts.get(status) ?? 0); // also down to none
  };
  const scraped = await serveMetrics(metrics, { host: config.host, port: config.metricsPort, refresh: countRuns });
  const status = await serveStatus(
    {
      '/healthz': async () => [200, 'ok'],
      '/readyz': async () => (loops.lastPassAt.size > 0 ? [200, 'ok'] : [503, 'no pass yet']),
    },
    config,
  );
  log.info({ workerId: config.workerId, runtime: config.runtime, port: status.port, metricsPort: scraped.port }, 'worker runs');
  return {
    async [Symbol.asyncDispose]() {
      // A pass that goes on after that waits for somebody else; it is told to stop and starts nothing new.
      await Promise.race([loops[Symbol.asyncDispose](), sleep(lastPassMs, undefined, { ref: false })]);
      await Promise.all([status[Symbol.asyncDispose](), scraped[Symbol.asyncDispose]()]);
      try {
        await stopOwnAgents(context);
        await releaseLeases(store.db, config.workerId);
        await context.runtime[Symbol.asyncDispose]();
      } catch (error) {
        log.warn({ err: error }, 'agents that still work are left to the next worker, which adopts them when the lease ends');
      }
    },
  };
}

/** Agents of the local runtime would outlive us; on Kubernetes they are meant to. */
async function stopOwnAgents({ config, store, runtime }: Context): Promise<void> {
  if (config.runtime !== 'local') return;
  const own = await listOwnRuns(store.db, config.workerId);
  await Promise.all(own.map(({ id }) => runtime.stop(id, { gently: true })));
}

function createContext({ config, store, log, baseEnv }: Dependencies): Context {
  return {
    config,
    store,
    log,
    keys: staticKeys(config.encryptionKeys),
    labels: createLabels(config.labelTexts),
    runtime: createRuntime({ config, log, baseEnv, onEvent: timelineWriter({ store, log }) }),
    providerFor: githubProviders({ baseUrl: config.githubApiUrl }),
  };
}

/** Every worker hears every event; the first puts it on record. */
function timelineWriter({ store, log }: Pick<Dependencies, 'store' | 'log'>): (event: RuntimeEvent) => void {
  const record = inBatches<RuntimeEvent, void>({
    lingerMs: 250,
    patienceMs: 10_000,
    atOnce: 1,
    maxItems: 200,
    run: async (events) => {
      await recordEventsOfRuns(
        store.db,
        events.map(({ runId, uid, payload }) => ({ runId, type: 'run.cluster.event', actor: worker, key: `cluster/${uid}`, payload })),
      );
      return events.map(() => ({ status: 'fulfilled', value: undefined }));
    },
  });
  return (event) => {
    record(event).catch((err: unknown) => log.warn({ runId: event.runId, err }, 'an event of the cluster could not be put on record'));
  };
}

type RuntimeOptions = Pick<Dependencies, 'config' | 'log' | 'baseEnv'> & { readonly onEvent: (event: RuntimeEvent) => void };

function createRuntime({ config, log, baseEnv, onEvent }: RuntimeOptions): AgentRuntime {
  if (config.runtime === 'kubernetes') {
    const { image, kubeconfig, ...settings } = config.kubernetes;
    if (image === undefined) throw new AppError('config.invalid', 'The Kubernetes runtime needs CODEXK8S_AGENT_IMAGE.');
    return createKubernetesRuntime({ ...config, ...settings, image, kube: connectKube({ kubeconfig }), log, onEvent });
  }
  if (config.agentRunnerPath === undefined) throw new AppError('config.invalid', 'The local runtime needs CODEXK8S_AGENT_RUNNER_PATH.');
  return createLocalRuntime({ ...config, agentRunnerPath: config.agentRunnerPath, baseEnv, log });
}
