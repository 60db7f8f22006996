import { AppError, errorCodes, isAppError, type ErrorCode } from '@codex-k8s/domain';
import type { FastifyBaseLogger } from 'fastify';

/** The body of every failure (`components.schemas.Error` of the contracts). */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
  readonly remedy?: string;
  readonly correlation_id?: string;
}

const fastifyCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'request.malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request.malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.malformed',
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too_large',
};

/** Any thrown value as an AppError; what is not known is `internal`. Fastify's own errors are translated by their codes. */
export function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error;
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string }; // any thrown value may lack them
  const known = code === undefined ? undefined : fastifyCodes[code];
  if (known) return new AppError(known, errorCodes[known].cause, { cause: error });
  if (statusCode === 429) return new AppError('request.rate_limited', errorCodes['request.rate_limited'].cause, { cause: error });
  if (error instanceof SyntaxError && statusCode === 400)
    return new AppError('request.malformed', 'The body is not valid JSON.', { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AppError('request.invalid', message ?? 'The request is not valid.', { cause: error });
  }
  return new AppError('internal', 'The platform has a defect here; it was logged.', { cause: error });
}

export function errorBody(error: AppError, correlationId?: string): ErrorBody {
  return {
    code: error.code,
    message: error.message,
    ...(error.field !== undefined && { field: error.field }),
    remedy: errorCodes[error.code].remedy,
    ...(correlationId !== undefined && { correlation_id: correlationId }),
  };
}

export interface FailureContext {
  /** Of the request: its lines carry the correlation id. */
  readonly log: FastifyBaseLogger;
  readonly correlationId: string;
  /** Turns errors of another library into ours, such as a lost database. */
  readonly translate: (error: unknown) => unknown;
}

/** The answer to what failed, and its line in the log: our failures are errors, the caller's are information. */
export function failureAnswer(thrown: unknown, { log, correlationId, translate }: FailureContext): { status: number; body: ErrorBody } {
  const error = toAppError(translate(thrown));
  const { http: status } = errorCodes[error.code];
  if (status >= 500) log.error({ code: error.code, ...error.details, err: thrown }, 'request failed');
  else log.info({ code: error.code, field: error.field, ...error.details }, 'request refused');
  return { status, body: errorBody(error, correlationId) };
}
