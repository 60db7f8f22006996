import { AppError, describeError, findingsCountSec, isIsolated, saysDiskFull, type ErrorCode } from '@codex-k8s/domain';
import { signToken } from '@codex-k8s/http';
import { inSpan, ofRun, traceHeaders, type Reconciler } from '@codex-k8s/runtime';
import { claimPendingRuns, moveRun, postponeClaim, readClusterControls, recordEvent, type Run } from '@codex-k8s/store';
import { worker, type Context } from '../app/context.ts';
import { eachOf } from '../app/each.ts';
import { failRun } from '../app/fail-run.ts';
import { preparePlace } from '../app/run-place.ts';

const retryLaterSec = 15;

/** Pending rows become processes: claim under the limits, launch, then say `running`. A crash in between leaves a lease that ends. */
export function startPendingRuns(context: Context): Reconciler {
  return {
    name: 'start-pending-runs',
    everyMs: context.config.pollMs,
    restMs: 100,
    reconcile: async (signal) =>
      eachOf(claims(context, signal), async (run) => {
        await startClaimed(context, run);
        return true;
      }),
  };
}

/** One claim after the other: a claim takes its place in the database, a launch only waits for the cluster. */
async function* claims({ store, config }: Context, signal: AbortSignal): AsyncGenerator<Run, void> {
  const { workerId: owner, leaseSec, slotsPerProject } = config;
  for await (const run of claimPendingRuns(store.db, { owner, leaseSec, slotsPerProject })) {
    yield run;
    if (signal.aborted) return;
  }
}

async function startClaimed(context: Context, run: Run): Promise<void> {
  try {
    if (!(await launchOrFail(context, run))) return;
  } catch (error) {
    context.log.warn({ runId: run.id, correlationId: run.correlationId, err: error }, 'run could not be launched, tried again later');
    await postponeClaim(context.store.db, { id: run.id, attempt: run.attempt, retryInSec: retryLaterSec });
    await sayPostponed(context, run, error);
    return;
  }
  await moveRun(context.store.db, 'start', {
    id: run.id,
    attempt: run.attempt,
    actor: worker,
    payload: { attempt: run.attempt, worker: context.config.workerId, runtime: context.config.runtime },
  });
}

/** Once per cause, however often it is tried: people see what a pending run waits for. */
async function sayPostponed({ store }: Context, run: Run, error: unknown): Promise<void> {
  const { code, message } = describeError(error);
  await recordEvent(store.db, {
    type: 'run.postponed',
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: worker,
    key: `start-postponed/${code}`,
    payload: { code, message },
  });
}

/** Launches the run's current attempt. False: that cannot work without a person, and the run has failed. Throws what may pass. */
export async function launchOrFail(context: Context, run: Run): Promise<boolean> {
  try {
    await launchAttempt(context, run);
    return true;
  } catch (error) {
    const code = launchFailure(error);
    if (!code) throw error;
    context.log.warn({ runId: run.id, correlationId: run.correlationId, code, err: error }, 'run could not be launched');
    await failRun(context, { run, code, message: describeError(error).message });
    return false;
  }
}

const lasting: readonly ErrorCode[] = ['runtime.not_allowed', 'run.control_not_proven', 'kube.rejected', 'kube.not_ours'];

/** The code of a failure that trying again does not mend; undefined: try again later. */
function launchFailure(error: unknown): ErrorCode | undefined {
  if (saysDiskFull(describeError(error).message)) return 'run.disk_full';
  return error instanceof AppError && lasting.includes(error.code) ? error.code : undefined;
}

/** What is known at this moment about what keeps the agent apart; nothing known is nothing held. */
async function controlsNow({ config, store }: Pick<Context, 'config' | 'store'>): Promise<{ isolated: boolean; controls?: object }> {
  const known = config.runtime === 'kubernetes' ? await readClusterControls(store.db, { maxAgeSec: findingsCountSec }) : undefined;
  if (!known) return { isolated: false };
  return {
    isolated: isIsolated(known.findings),
    controls: Object.fromEntries(known.findings.map(({ control, state }) => [control, state])),
  };
}

/** Starts the process of the run's current attempt with a token that is good for this attempt only. */
async function launchAttempt(context: Context, run: Run): Promise<void> {
  await inSpan('start attempt', ofRun(run), () => launch(context, run));
}

async function launch(context: Context, run: Run): Promise<void> {
  const { config, runtime, store } = context;
  const namespace = await preparePlace(context, run);
  const runToken = await signToken(new TextEncoder().encode(config.runTokenKey), {
    issuer: 'codex-k8s/control-plane/mcp',
    ttlSec: config.runTokenTtlSec,
    claims: {
      sub: `run:${run.id}`,
      scope: 'codexk8s:runner',
      run_id: run.id,
      attempt: run.attempt,
      correlation_id: run.correlationId,
      project_id: run.projectId,
    },
  });
  const { traceparent } = traceHeaders();
  const { id: runId, projectId, attempt, correlationId } = run;
  await runtime.launch({ runId, projectId, attempt, correlationId, runToken, namespace, traceparent });
  await recordEvent(store.db, {
    type: 'run.attempt.started',
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: worker,
    key: `${run.attempt}/attempt-started`,
    payload: { attempt: run.attempt, runtime: config.runtime, ...(await controlsNow({ config, store })) },
  });
}
