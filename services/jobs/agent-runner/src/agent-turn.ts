import type { RunSpec, Usage } from '@codex-k8s/contracts/internal';
import { AppError, type Redactor } from '@codex-k8s/domain';
import { inSpan, type Logger } from '@codex-k8s/runtime';
import { agentEnvironment } from './agent-environment.ts';
import { type AgentExit, startAgent } from './agent-process.ts';
import type { AgentAdapter, SessionFile } from './agents/agent-adapter.ts';
import { agentEvents, type AgentReport } from './agents/agent-events.ts';
import type { Config } from './config.ts';
import type { ControlPlane } from './control-plane.ts';
import { isDiskFull, makeRoom } from './disk-space.ts';
import { turnFailure } from './failures.ts';
import { findSession } from './find-session.ts';
import type { LogShipper } from './log-shipper.ts';
import { killMarked } from './process-group.ts';
import { type RunFolder, type RunnerState, readState, removePidFile, writePidFile, writeState } from './run-folder.ts';
import { keepSession } from './session-keeper.ts';
import type { Stop } from './stop.ts';
import { toolSpans } from './tool-spans.ts';
import { planTurn, type TurnPlan } from './turn-plan.ts';
import type { Workspace } from './workspace.ts';

export interface TurnDeps {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly spec: RunSpec;
  readonly folder: RunFolder;
  readonly adapter: AgentAdapter;
  readonly controlPlane: ControlPlane;
  readonly shipper: LogShipper;
  readonly redactor: Redactor;
  readonly log: Logger;
  readonly stop: Stop;
}

export interface TurnResult {
  readonly exitCode: number | undefined;
  readonly usage: Usage | undefined;
  readonly reportedGaps: readonly string[];
  readonly outputGaps: readonly string[];
}

/** A failed turn; what is known about it goes with the error. */
export class TurnFailed extends AppError {
  readonly result: TurnResult;

  constructor({ code, message }: { code: AppError['code']; message: string }, result: TurnResult) {
    super(code, message);
    this.result = result;
  }
}

/** The worker kills what is left of a gently stopped attempt after three seconds; this is sooner. */
const graceMs = 1500;

/** Restores or begins the agent's session, runs one turn to its end and leaves no process behind. Throws TurnFailed, AppError. */
export async function runAgentTurn(deps: TurnDeps, state: RunnerState | undefined, workspace: Workspace): Promise<TurnResult> {
  const { adapter, folder, spec, redactor, log, controlPlane } = deps;
  const found = await findSession(adapter, folder, spec, state, log);
  const plan = planTurn({
    spec,
    session: found.content,
    hadSession: found.had,
    isWorkspaceReused: workspace.isReused,
    headSha: workspace.headSha,
    continueText: adapter.continueText,
    normalise: redactor.redact,
  });
  if (found.had) {
    const payload = { outcome: plan.outcome, session_id: found.file?.id, from_run_id: spec.session?.run_id ?? spec.run_id };
    await controlPlane.event('run.agent.session.restored', payload);
    deps.shipper.add('runner', `Agent session: ${plan.outcome}.`);
  }
  if (!plan.isNeeded) {
    deps.shipper.add('runner', 'The agent had ended its turn before; only its result is left to deliver.');
    return { exitCode: undefined, usage: usageOf(spec, found.content?.usage), reportedGaps: [], outputGaps: [] };
  }
  const resume = plan.resumesSession ? found.file : undefined;
  if (resume) await controlPlane.event('run.agent.resume.used', { session_id: resume.id });
  const { report, exit, usage } = await runOnce(deps, plan, resume);
  if (resume && isSessionRefused(resume, report, exit)) {
    deps.shipper.add('runner', 'The agent did not take its session back; it begins a new one.');
    await controlPlane.event('run.agent.session.restored', { outcome: 'lost', session_id: resume.id }, 'run.agent.session.restored:lost');
    const anew = planTurn({
      spec,
      session: undefined,
      hadSession: true,
      isWorkspaceReused: true,
      headSha: '',
      continueText: '',
      normalise: redactor.redact,
    });
    return checked(await runOnce(deps, anew, undefined), true);
  }
  return checked({ report, exit, usage }, plan.outcome === 'fresh' || plan.outcome === 'lost');
}

interface Outcome {
  readonly report: AgentReport;
  readonly exit: AgentExit;
  readonly usage: Usage | undefined;
}

function checked({ report, exit, usage }: Outcome, wasSeenWhole: boolean): TurnResult {
  const result = { exitCode: exit.exitCode, usage, reportedGaps: report.reportedGaps, outputGaps: report.outputGaps };
  const failure = turnFailure(report, exit, wasSeenWhole);
  if (failure) throw new TurnFailed(failure, result);
  return result;
}

function runOnce(deps: TurnDeps, plan: TurnPlan, resume: SessionFile | undefined): Promise<Outcome> {
  const { agent, program, model } = deps.spec;
  const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': agent.key, 'gen_ai.request.model': model };
  return inSpan('agent turn', { attributes: { ...attributes, 'codexk8s.agent.program': program } }, async (span) => {
    const outcome = await runProcess(deps, plan, resume);
    const { report, exit, usage } = outcome;
    span.set({ 'gen_ai.usage.input_tokens': usage?.input_tokens, 'gen_ai.usage.output_tokens': usage?.output_tokens });
    const failure = turnFailure(report, exit, false);
    if (failure) span.fail(failure.code);
    return outcome;
  });
}

async function runProcess(deps: TurnDeps, plan: TurnPlan, resume: SessionFile | undefined): Promise<Outcome> {
  const { adapter, config, environment, folder, spec, shipper, controlPlane, stop } = deps;
  const { home, workspace } = folder;
  const start = { home, workspace, spec, modelBaseUrl: config.modelBaseUrl, hasModelKey: config.modelApiKey !== undefined, resume };
  const command = await adapter.prepare(start);
  let sessionId = resume?.id;
  using keeper = keepSession({
    ...deps,
    outcome: plan.outcome,
    everyMs: config.snapshotMs,
    session: () => adapter.findSession(home, sessionId),
    onAttemptOver: () => stop.request('over'),
  });
  let lastEvents: Promise<unknown> = Promise.resolve();
  const reader = agentEvents(
    (stream, text) => shipper.add(stream, text),
    (milestone) => {
      keeper.save();
      if (milestone !== 'session-started') return;
      sessionId = reader.report.threadId;
      lastEvents = Promise.all([remember(folder, sessionId), controlPlane.event('run.agent.ready', { session_id: sessionId })]).catch(
        (error: unknown) => deps.log.warn({ err: error }, 'the session id could not be put on record'),
      );
    },
  );
  using tools = toolSpans();
  // A pod that is lost before its first snapshot has said the prompt all the same; the next attempt must know, and say `lost`.
  if (!resume) await controlPlane.saveSession({ program: adapter.program, turns: 1, resume_outcome: plan.outcome });
  stop.signal.throwIfAborted();
  const agent = startAgent({
    command,
    cwd: workspace,
    env: agentEnvironment(environment, { config, home, mcpToken: spec.mcp_token }),
    stdin: plan.say,
    onOutput: (line) => {
      reader.line(line);
      tools.line(line);
    },
    onError: (line) => shipper.add('stderr', line),
  });
  if (agent.pid !== undefined) await writePidFile(folder, 'agent', agent.pid);
  const end = (): void => void agent.stop(graceMs);
  stop.signal.addEventListener('abort', end, { once: true });
  if (stop.signal.aborted) end();
  const exit = await agent.exit;
  stop.signal.removeEventListener('abort', end);
  await agent.stop(stop.reason === undefined ? 0 : graceMs);
  await killMarked(spec.run_id);
  const isFull = !reader.report.isTurnCompleted && stop.reason === undefined && (await isDiskFull(folder));
  if (isFull) await makeRoom(folder); // before the platform is spoken to: it may need the room to hear us
  await removePidFile(folder, 'agent');
  await lastEvents;
  await keeper.saveLast();
  stop.signal.throwIfAborted();
  const { report } = reader;
  if (isFull) {
    const said = exit.lastErrors.trim().slice(-1000);
    const message = `The disk was full when the agent ended; its working directory was removed to make room.${said === '' ? '' : `\n${said}`}`;
    throw new TurnFailed(
      { code: 'run.disk_full', message },
      { exitCode: exit.exitCode, usage: keeper.usage, reportedGaps: [], outputGaps: [] },
    );
  }
  if (report.isTurnCompleted) await controlPlane.event('run.agent.turn.completed', { ...report.usage });
  return { report, exit, usage: usageOf(spec, report.usage) ?? keeper.usage };
}

/** The program began another thread, or said that it knows no such one. */
function isSessionRefused(session: SessionFile, { threadId, failure }: AgentReport, exit: AgentExit): boolean {
  if (threadId !== undefined) return threadId !== session.id;
  const said = `${failure ?? ''}\n${exit.lastErrors}`;
  return (
    exit.startError === undefined &&
    /\b(?:session|thread|rollout|conversation)\b[^\n]*(?:not found|no such|cannot|failed|invalid)|no (?:saved )?(?:session|thread|rollout)/i.test(
      said,
    )
  );
}

async function remember(folder: RunFolder, sessionId: string | undefined): Promise<void> {
  const state = await readState(folder);
  if (state) await writeState(folder, { ...state, sessionId });
}

function usageOf({ model }: RunSpec, usage: Omit<Usage, 'model'> | undefined): Usage | undefined {
  return usage && { model, input_tokens: usage.input_tokens, output_tokens: usage.output_tokens };
}
