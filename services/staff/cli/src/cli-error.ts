import type { Error as ApiProblem } from '@codex-k8s/contracts/staff';
import { errorCodes, isAppError, isErrorCode } from '@codex-k8s/domain';
import { exitCodes, exitOfStatus, type ExitName } from './exit-codes.ts';

/** A failure as it is shown: the API's error object, and how the process exits. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitName;
  readonly problem: ApiProblem;

  constructor(exit: ExitName, problem: ApiProblem, options: { cause?: unknown } = {}) {
    super(problem.message, options);
    this.exit = exit;
    this.problem = problem;
  }
}

export function usageError(message: string, remedy = 'See --help.'): CliError {
  return new CliError('usage', { code: 'request.invalid', message, remedy });
}

export function notFound(message: string, remedy: string): CliError {
  return new CliError('notFound', { code: 'request.not_found', message, remedy });
}

/** Any thrown value as a failure to show; what nobody foresaw is `internal`. */
export function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (isAppError(error)) {
    const { http, remedy } = errorCodes[error.code];
    return new CliError(exitOfStatus(http), { code: error.code, message: error.message, remedy }, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CliError('failed', { code: 'internal', message, remedy: errorCodes.internal.remedy }, { cause: error });
}

/** The table's advice, where the API sent none. */
export function withRemedy(problem: ApiProblem): ApiProblem {
  if (problem.remedy !== undefined || !isErrorCode(problem.code)) return problem;
  return { ...problem, remedy: errorCodes[problem.code].remedy };
}

export function renderError({ problem }: CliError, { json }: { json: boolean }): string {
  const { code, message, remedy, field, correlation_id: correlationId } = problem;
  if (json) return JSON.stringify(problem);
  return [
    `codexk8s: ${message}${field === undefined ? '' : ` (${field})`} [${code}]`,
    ...(remedy === undefined ? [] : [`  ${remedy}`]),
    ...(correlationId === undefined ? [] : [`  Correlation id: ${correlationId}`]),
  ].join('\n');
}

export function exitCodeOf(error: CliError): number {
  return exitCodes[error.exit].code;
}
