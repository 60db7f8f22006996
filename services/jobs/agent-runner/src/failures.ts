import { describeError, saysDiskFull, type ErrorCode } from '@codex-k8s/domain';
import type { AgentExit } from './agent-process.ts';
import type { AgentReport } from './agents/agent-events.ts';

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What an agent says about a failed turn, as a code. The first match decides; no program gives a status field. */
const turnFailures: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/\b40[13]\b|unauthorized|invalid api key|incorrect api key|missing environment variable/i, 'run.model_unauthorized'],
  [/\b429\b|rate.?limit|quota|too many requests/i, 'run.model_rate_limited'],
  [/\b5\d\d\b|not reachable|stream (?:closed|disconnected)|error sending request|connection|ECONN|timed? ?out/i, 'run.model_unavailable'],
];

/** Why the agent's turn does not count; undefined: it came to its end. `wasSeenWhole`: this attempt saw the turn from its beginning. */
export function turnFailure(report: AgentReport, exit: AgentExit, wasSeenWhole: boolean): Failure | undefined {
  if (exit.startError !== undefined) {
    const code = saysDiskFull(exit.startError) ? 'run.disk_full' : 'run.agent_unavailable';
    return { code, message: `The agent could not be started: ${exit.startError}` };
  }
  if (report.failure !== undefined) {
    const { failure: message } = report;
    if (saysDiskFull(message)) return { code: 'run.disk_full', message };
    return { code: turnFailures.find(([pattern]) => pattern.test(message))?.[1] ?? 'run.agent_failed', message };
  }
  if (!report.isTurnCompleted) {
    const how = exit.signal === undefined ? `exit code ${exit.exitCode ?? 'unknown'}` : `signal ${exit.signal}`;
    const detail = exit.lastErrors.trim().slice(-1500);
    const code = saysDiskFull(`${exit.signal ?? ''}\n${detail}`) ? 'run.disk_full' : 'run.agent_crashed';
    return { code, message: `The agent process ended with ${how} before its turn was over.${detail === '' ? '' : `\n${detail}`}` };
  }
  const lastWords = report.lastWords === undefined ? '' : ` Its last words: ${report.lastWords.slice(0, 2000)}`;
  if (report.report === 'refused')
    return { code: 'run.report_invalid', message: `The report was refused: ${(report.refusal ?? '').slice(0, 1500)}${lastWords}` };
  // A report from before an interruption is only known to the control plane, which checks it.
  if (report.report === undefined && wasSeenWhole)
    return { code: 'run.report_missing', message: `The agent ended without a report.${lastWords}` };
  return undefined;
}

/** An exception of the runner itself. */
export function runnerFailure(error: unknown): Failure {
  const { code, message } = describeError(error);
  if (saysDiskFull(message)) return { code: 'run.disk_full', message };
  return { code: code === 'internal' ? 'run.runner_failed' : code, message };
}
