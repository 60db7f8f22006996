import type { AttemptResult, RunSpec } from '@codex-k8s/contracts/internal';
import { collectToolGaps, createRedactor, missingTools, type Redactor } from '@codex-k8s/domain';
import { inSpan, type Logger, Secret, type Span } from '@codex-k8s/runtime';
import { gitEnvironment } from './agent-environment.ts';
import { runAgentTurn, type TurnDeps, TurnFailed, type TurnResult } from './agent-turn.ts';
import { codexAdapter } from './agents/codex.ts';
import { trialAdapter } from './agents/trial.ts';
import type { Config } from './config.ts';
import { AttemptOver, type ControlPlane, controlPlane } from './control-plane.ts';
import { deliver, type Delivery } from './delivery.ts';
import { makeRoom } from './disk-space.ts';
import { runnerFailure } from './failures.ts';
import { createGit } from './git.ts';
import { startHeartbeat } from './heartbeat.ts';
import { startLogShipper } from './log-shipper.ts';
import { killMarked } from './process-group.ts';
import { openRunFolder, readState, type RunFolder, writePidFile } from './run-folder.ts';
import { exitCodes, type Stop } from './stop.ts';
import { prepareWorkspace } from './workspace.ts';

/** One attempt of one run, from its work order to its acknowledged result. Returns the exit code of the process. */
export async function runAttempt(config: Config, environment: TurnDeps['environment'], log: Logger, stop: Stop): Promise<number> {
  // After SIGTERM the last snapshot and log lines may still go out, but not for ever.
  const halt = new AbortController();
  stop.signal.addEventListener('abort', () => setTimeout(() => halt.abort(), stop.reason === 'over' ? 0 : 10_000).unref(), { once: true });
  const platform = controlPlane({ url: config.controlPlaneUrl, runId: config.runId, token: config.runToken, signal: halt.signal });
  const { correlationId, traceparent } = config;
  return inSpan('run attempt', { correlationId, traceparent, attributes: { 'codexk8s.run.id': config.runId } }, async (span) => {
    using _beats = startHeartbeat({ controlPlane: platform, longestMs: config.heartbeatMs, folder: config.runDir, stop, log });
    try {
      const folder = await openRunFolder(config.runDir);
      await writePidFile(folder, 'runner', process.pid);
      await killMarked(config.runId); // what a killed attempt left running in this place would write into our workspace
      const spec = await inSpan('get prompt', {}, () => untilStopped(platform.spec(), stop));
      span.set({ 'codexk8s.run.attempt': spec.attempt, 'codexk8s.run.kind': spec.kind, 'gen_ai.agent.name': spec.agent.key });
      return await attempt({ config, environment, log, stop, folder, platform, spec, span });
    } catch (error) {
      if (error instanceof AttemptOver) stop.request('over');
      if (stop.reason !== undefined) return exitCodes[stop.reason];
      // An attempt that cannot even begin says why: a process that ends in silence would only count as a crash.
      const result = failed(error, createRedactor([config.runToken.reveal()]));
      span.fail(result.failure_code ?? 'internal');
      log.warn({ err: error }, 'the attempt could not begin');
      await untilStopped(platform.finish(result), stop);
      return exitCodes.finished;
    }
  });
}

interface Attempt {
  readonly config: Config;
  readonly environment: TurnDeps['environment'];
  readonly log: Logger;
  readonly stop: Stop;
  readonly folder: RunFolder;
  readonly platform: ControlPlane;
  readonly spec: RunSpec;
  readonly span: Span;
}

async function attempt({ config, environment, log, stop, folder, platform, spec, span }: Attempt): Promise<number> {
  const redactor = createRedactor([
    config.runToken.reveal(),
    spec.mcp_token,
    spec.git.token,
    ...(config.modelApiKey ? [config.modelApiKey.reveal()] : []),
  ]);
  const onFailure = (error: unknown): void => {
    if (error instanceof AttemptOver) stop.request('over');
    else log.warn({ err: error }, 'log lines cannot be delivered any more');
  };
  const shipper = await startLogShipper({ controlPlane: platform, folder: folder.logSpool, redactor, log, onFailure });
  const adapter = spec.program === 'codex' ? codexAdapter(config.codexPath) : trialAdapter(config.trialAgentPath);
  const deps: TurnDeps = { config, environment, spec, folder, adapter, controlPlane: platform, shipper, redactor, log, stop };
  let result: AttemptResult;
  try {
    result = await work(deps);
  } catch (error) {
    if (error instanceof AttemptOver) stop.request('over');
    await killMarked(spec.run_id); // whatever failed, no agent goes on without a runner
    if (stop.reason === undefined) {
      result = failed(error, redactor);
      if (result.failure_code === 'run.disk_full') await makeRoom(folder);
      span.fail(result.failure_code ?? 'internal');
      log.info({ code: result.failure_code, err: error instanceof TurnFailed ? undefined : error }, 'the attempt failed');
      shipper.add('runner', `Failed (${result.failure_code}): ${result.failure_message}`);
    } else {
      shipper.close();
      await shipper.flush(stop.reason === 'over' ? 0 : 3000);
      return exitCodes[stop.reason];
    }
  }
  shipper.close();
  await inSpan('report', {}, async () => {
    await untilStopped(shipper.flush(20_000), stop);
    await untilStopped(platform.finish(result), stop);
  });
  await untilStopped(shipper.flush(5000), stop);
  log.info({ outcome: result.outcome }, 'the attempt is finished');
  return exitCodes.finished;
}

async function work(deps: TurnDeps): Promise<AttemptResult> {
  const { spec, folder, environment, controlPlane: platform, shipper, stop, redactor } = deps;
  const state = await readState(folder);
  const { username, token } = spec.git;
  const git = createGit({
    workspace: folder.workspace,
    username,
    token: new Secret(token),
    env: gitEnvironment(environment),
    signal: stop.signal,
  });
  const begun = platform.event('run.agent.started', {
    branch: spec.target_branch,
    kind: spec.kind,
    trigger_kind: spec.trigger_kind,
    program: spec.program,
    model: spec.model,
    reasoning_effort: spec.reasoning_effort,
    agent_key: spec.agent.key,
    attempt: spec.attempt,
  });
  const cloned = inSpan('clone', {}, () => prepareWorkspace(folder, spec, git)).catch(async (error: unknown) => {
    if (spec.kind === 'revise' && runnerFailure(error).code === 'run.pull_request_missing') {
      await platform.event('run.revise.pr_not_found', { branch: spec.target_branch });
    }
    throw error;
  });
  const [workspace] = await Promise.all([cloned, begun]);
  await platform.event('run.workspace.prepared', {
    reused: workspace.isReused,
    head_sha: workspace.headSha,
    start_sha: workspace.startSha,
    branch: spec.target_branch,
  });
  shipper.add('runner', `Workspace ${workspace.isReused ? 'reused' : 'cloned'} at ${workspace.headSha.slice(0, 12)}.`);
  const shown = Object.keys(workspace.shownFiles);
  if (shown.length > 0) shipper.add('runner', `As ${spec.base_branch} has them, not the branch: ${shown.join(', ')}.`);
  const turn = await runAgentTurn(deps, state, workspace).catch(async (error: unknown) => {
    if (error instanceof TurnFailed) await reportToolGaps(deps, error.result, '');
    throw error;
  });
  const about = { ...(turn.usage && { usage: turn.usage }), ...(turn.exitCode !== undefined && { exit_code: turn.exitCode }) };
  if (spec.kind === 'review') {
    await reportToolGaps(deps, turn, '');
    return { outcome: 'reviewed', ...about };
  }
  const delivery = await inSpan('push', {}, () => deliver(folder, spec, workspace, git, (text) => shipper.add('runner', text)));
  shipper.add('runner', `Pushed ${delivery.commits} commit(s) to ${delivery.branch}: ${redactor.redact(delivery.pushOutput)}`);
  await platform.event('run.branch.pushed', {
    branch: delivery.branch,
    head_sha: delivery.headSha,
    base_sha: delivery.baseSha,
    commits: delivery.commits,
  });
  await reportToolGaps(deps, turn, delivery.pushOutput);
  return { ...delivered(delivery), ...about };
}

function delivered({ branch, headSha, baseSha, commits }: Delivery): AttemptResult {
  return { outcome: 'delivered', branch, head_sha: headSha, base_sha: baseSha, commits };
}

function failed(error: unknown, redactor: Redactor): AttemptResult {
  const { code, message } = runnerFailure(error);
  const { usage, exitCode } = error instanceof TurnFailed ? error.result : {};
  return {
    outcome: 'failed',
    failure_code: code,
    failure_message: redactor.redact(message).slice(0, 4000),
    ...(usage && { usage }),
    ...(exitCode !== undefined && { exit_code: exitCode }),
  };
}

const imageFiles = ['agent-container/bootstrap-tools.sh', 'agent-container/Dockerfile'];

async function reportToolGaps({ controlPlane: platform, log }: TurnDeps, turn: TurnResult, pushOutput: string): Promise<void> {
  const { toolGaps, sources } = collectToolGaps([
    ['report.tool_gaps', turn.reportedGaps],
    ['agent_output', turn.outputGaps],
    ['git_push_output', missingTools(pushOutput)],
  ]);
  if (toolGaps.length === 0) return;
  try {
    await platform.event('run.toolchain.gap_detected', { tool_gaps: toolGaps, sources, suggested_update_paths: imageFiles });
  } catch (error) {
    if (error instanceof AttemptOver) throw error;
    log.warn({ err: error }, 'tool gaps could not be put on record'); // never a reason to fail the run
  }
}

/** Waits, but not longer than the attempt may last. */
async function untilStopped<T>(promise: Promise<T>, stop: Stop): Promise<T> {
  let onAbort: (() => void) | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Error('the attempt was stopped'));
    stop.signal.addEventListener('abort', onAbort, { once: true });
    if (stop.signal.aborted) onAbort();
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    if (onAbort) stop.signal.removeEventListener('abort', onAbort);
  }
}
