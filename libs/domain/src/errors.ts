import { errorCodes, type ErrorCode } from './error-codes.ts';

export interface AppErrorOptions {
  /** The request field the problem is in, dotted (`body.slug`). Part of the answer. */
  readonly field?: string;
  /** What the log needs and the answer must not show. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error class. `code` is API, `message` is for people and must hold no secret. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, { field, details = {}, cause }: AppErrorOptions = {}) {
    super(message, { cause });
    this.code = code;
    this.field = field;
    this.details = details;
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** May the same act be tried again later without a person doing anything first? */
export function isRetryable(error: unknown): boolean {
  return isAppError(error) && errorCodes[error.code].retry;
}

/** An unknown thrown value as the code and text to record; foreign errors are `internal`. */
export function describeError(error: unknown): { code: ErrorCode; message: string } {
  if (isAppError(error)) return { code: error.code, message: error.message };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

const diskFull = /\b(?:ENOSPC|EDQUOT|EFBIG|SIGXFSZ)\b|no space left on device|disk quota exceeded/i;

/** The disk, or a limit on what may be written, is used up: in the words of Node.js, of git and of most programs. */
export function saysDiskFull(text: string): boolean {
  return diskFull.test(text);
}
