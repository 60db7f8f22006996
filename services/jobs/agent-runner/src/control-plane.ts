import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AppendRunLogsData,
  type AttemptResult,
  appendRunLogs,
  finishAttempt,
  getRunSpec,
  heartbeat,
  type HeartbeatResponse,
  type InsertRunEventData,
  insertRunEvent,
  type RunSpec,
  type SaveAgentSessionData,
  saveAgentSession,
} from '@codex-k8s/contracts/internal';
import { createClient, createConfig } from '@codex-k8s/contracts/internal/client';
import { AppError, errorCodes, isErrorCode, type ErrorCode } from '@codex-k8s/domain';
import { type Secret, traceHeaders } from '@codex-k8s/runtime';

/** The platform wants nothing more of this attempt: a newer one took over, or the run token is not valid any more. */
export class AttemptOver extends Error {
  override readonly name = 'AttemptOver';
}

export type HeartbeatAnswer = HeartbeatResponse;
export type LogLine = AppendRunLogsData['body']['lines'][number];
export type RunEventType = InsertRunEventData['body']['event_type'];
export type SessionSnapshot = SaveAgentSessionData['body'];

/** Every call repeats until the platform has answered, `signal` aborts, or the tries are used up (AppError `service.unavailable`). */
export interface ControlPlane {
  spec(): Promise<RunSpec>;
  /** One try: the next beat follows soon. */
  heartbeat(): Promise<HeartbeatAnswer>;
  event(type: RunEventType, payload: Readonly<Record<string, unknown>>, key?: string): Promise<void>;
  /** False: the log is full. */
  logs(seq: number, lines: readonly LogLine[]): Promise<boolean>;
  saveSession(snapshot: SessionSnapshot): Promise<void>;
  finish(result: AttemptResult): Promise<void>;
}

interface Answer<T> {
  readonly data?: T | undefined;
  readonly error?: unknown;
  readonly response?: Response | undefined;
}

export interface ControlPlaneOptions {
  readonly url: string;
  readonly runId: string;
  readonly token: Secret;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
}

const callTimeoutMs = 15_000;
const longestPauseMs = 5000;
const forEver = Number.POSITIVE_INFINITY;

export function controlPlane({ url, runId, token, signal }: ControlPlaneOptions): ControlPlane {
  const base = url.replace(/\/+$/, '').replace(/\/internal\/v1$/, '');
  const client = createClient(createConfig({ baseUrl: `${base}/internal/v1`, auth: () => token.reveal() }));
  client.interceptors.request.use((request) => {
    const { traceparent } = traceHeaders();
    if (traceparent !== undefined) request.headers.set('traceparent', traceparent);
    return request;
  });
  const path = { run_id: runId };

  async function repeated<T>(what: string, tries: number, act: (timeout: AbortSignal) => Promise<Answer<T>>): Promise<T | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      const failure = await once(what, act);
      if ('data' in failure) return failure.data;
      if (!failure.mayRepeat || attempt >= tries) throw failure.error;
      const pause = Math.min(longestPauseMs, 100 * 2 ** Math.min(attempt, 8));
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }

  async function once<T>(
    what: string,
    act: (timeout: AbortSignal) => Promise<Answer<T>>,
  ): Promise<{ data: T | undefined } | { error: AppError; mayRepeat: boolean }> {
    let answer: Answer<T>;
    try {
      answer = await act(AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]));
    } catch (cause) {
      answer = { error: cause };
    }
    const { data, error, response } = answer;
    if (response?.ok) return { data };
    const { code, message } = described(error);
    const status = response?.status;
    if (status === 401 || (status === 409 && code === 'run.attempt_superseded')) throw new AttemptOver(`${what}: ${code ?? status}`);
    if (code === 'run.not_found') throw new AttemptOver(`${what}: the run is gone`);
    const named = namedFailure(code);
    const mayRepeat = named ? errorCodes[named].retry : status === undefined || status >= 500 || status === 429 || status === 408;
    const said = `The control plane ${status === undefined ? 'cannot be reached' : `answered ${status}`} (${what}): ${message}`;
    const failure = named ?? (mayRepeat ? 'service.unavailable' : 'run.runner_failed');
    return { error: new AppError(failure, named ? message : said, { cause: error }), mayRepeat };
  }

  return {
    spec: async () => {
      const spec = await repeated('getRunSpec', 100, (timeout) => getRunSpec({ client, path, signal: timeout }));
      if (spec === undefined) throw new AppError('run.runner_failed', 'The control plane sent no work order.');
      return spec;
    },
    heartbeat: async () =>
      (await repeated('heartbeat', 1, (timeout) => heartbeat({ client, path, signal: timeout }))) ?? { status: '', continue: true },
    event: async (event_type, payload, key = event_type) => {
      await repeated('insertRunEvent', 20, (timeout) =>
        insertRunEvent({ client, path, body: { event_type, key, payload: { ...payload } }, signal: timeout }),
      );
    },
    logs: async (seq, lines) => {
      const answer = await repeated('appendRunLogs', forEver, (timeout) =>
        appendRunLogs({ client, path, body: { seq, lines: [...lines] }, signal: timeout }),
      );
      return answer?.accepted ?? true;
    },
    saveSession: async (body) => {
      await repeated('saveAgentSession', 20, (timeout) => saveAgentSession({ client, path, body, signal: timeout }));
    },
    finish: async (body) => {
      await repeated('finishAttempt', forEver, (timeout) => finishAttempt({ client, path, body, signal: timeout }));
    },
  };
}

/** What the control plane knows better than we: why there is no work order. Undefined: its own trouble, or ours. */
function namedFailure(code: string | undefined): ErrorCode | undefined {
  return isErrorCode(code) && /^(?:run|github|secret)[.]/.test(code) ? code : undefined;
}

function described(error: unknown): { code: string | undefined; message: string } {
  if (typeof error === 'object' && error !== null) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    if ('message' in error && typeof error.message === 'string') return { code, message: error.message + cause };
  }
  return { code: undefined, message: typeof error === 'string' ? error.slice(0, 300) : 'no details' };
}
