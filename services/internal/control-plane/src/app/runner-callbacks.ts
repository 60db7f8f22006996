/** What a runner reports about its attempt. All of it is a claim of a process that is treated as hostile; nothing here makes a run succeed. */
import { AppError, isErrorCode, type FlowEventType } from '@codex-k8s/domain';
import {
  appendLog,
  changeRun,
  recordEvent,
  recordSignOfLife,
  saveSession,
  saveTokenUsage,
  type LogLine,
  type SessionSnapshot,
} from '@codex-k8s/store';
import { getRun } from '@codex-k8s/store';
import type { Context } from './context.ts';
import { loadRun, type RunCaller } from './run-spec.ts';

function runner(caller: RunCaller): { type: 'agent'; id: string } {
  return { type: 'agent', id: `agent-runner/${caller.attempt}` };
}

/** `continue: false`: the run is over, or a newer attempt has it. */
export async function recordHeartbeat(
  { store, heartbeatSec }: Context,
  caller: RunCaller,
): Promise<{ status: string; continue: boolean; next_in_seconds?: number }> {
  const run = await recordSignOfLife(store.db, { id: caller.runId, attempt: caller.attempt });
  if (run) return { status: run.status, continue: run.finishedAt === null, next_in_seconds: await heartbeatSec() };
  const now = await getRun(store.db, caller.runId);
  return { status: now?.status ?? 'cancelled', continue: false };
}

export async function recordRunnerEvent(
  context: Context,
  caller: RunCaller,
  { type, key, payload }: { type: FlowEventType; key: string; payload: Record<string, unknown> },
): Promise<void> {
  const run = await loadRun(context, caller);
  await recordEvent(context.store.db, {
    type,
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: runner(caller),
    key: `${caller.attempt}/${key}`,
    payload: { attempt: caller.attempt, ...payload },
  });
}

export async function storeRunLogs(
  context: Context,
  caller: RunCaller,
  { seq, lines }: { seq: number; lines: readonly LogLine[] },
): Promise<boolean> {
  const run = await getRun(context.store.db, caller.runId);
  if (!run || run.attempt !== caller.attempt) throw new AppError('run.attempt_superseded', 'A newer attempt writes the log now.');
  return appendLog(context.store.db, { runId: caller.runId, attempt: caller.attempt, seq, lines, maxBytes: context.config.runLogMaxBytes });
}

export interface Usage {
  readonly model: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

export async function storeSession(
  context: Context,
  caller: RunCaller,
  { usage, ...snapshot }: Omit<SessionSnapshot, 'runId' | 'attempt'> & { usage: Usage | undefined },
): Promise<void> {
  const run = await loadRun(context, caller);
  const { db } = context.store;
  if (!(await saveSession(db, { runId: run.id, attempt: caller.attempt, ...snapshot }))) {
    throw new AppError('run.attempt_superseded', 'A newer attempt saves the session now.');
  }
  if (usage) await storeUsage(context, caller, { usage, sessionId: snapshot.sessionId });
}

async function storeUsage(
  { store }: Context,
  { runId, attempt }: RunCaller,
  { usage, sessionId }: { usage: Usage; sessionId: string | undefined },
): Promise<void> {
  await saveTokenUsage(store.db, {
    runId,
    attempt,
    sessionId,
    model: usage.model,
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
  });
}

export interface AttemptResult {
  readonly outcome: 'delivered' | 'reviewed' | 'failed';
  readonly branch?: string | undefined;
  readonly head_sha?: string | undefined;
  readonly base_sha?: string | undefined;
  readonly commits?: number | undefined;
  readonly failure_code?: string | undefined;
  readonly failure_message?: string | undefined;
  readonly exit_code?: number | undefined;
  readonly usage?: Usage | undefined;
}

/** Stores how the attempt says it ended; the worker takes it from there. Repeating it after the run is over is harmless. */
export async function storeAttemptResult(context: Context, caller: RunCaller, result: AttemptResult): Promise<void> {
  const { db } = context.store;
  const known = await getRun(db, caller.runId);
  if (known && known.attempt === caller.attempt && known.attemptResult !== null) return;
  const run = await loadRun(context, caller);
  const { usage, ...claim } = result;
  const failureCode = claim.outcome !== 'failed' ? undefined : isErrorCode(claim.failure_code) ? claim.failure_code : 'run.agent_failed';
  if (usage) await storeUsage(context, caller, { usage, sessionId: undefined });
  await db.transaction().execute(async (tx) => {
    const changed = await changeRun(tx, {
      id: run.id,
      attempt: caller.attempt,
      set: { attemptResult: JSON.stringify({ ...claim, failure_code: failureCode }) },
    });
    if (!changed) throw new AppError('run.attempt_superseded', 'A newer attempt has this run.');
    await recordEvent(tx, {
      type: 'run.result.claimed',
      correlationId: run.correlationId,
      runId: run.id,
      projectId: run.projectId,
      actor: runner(caller),
      key: `${caller.attempt}/result`,
      payload: { attempt: caller.attempt, ...claim, failure_code: failureCode },
    });
  });
}
