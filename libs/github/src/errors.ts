import { AppError, isAppError, type ErrorCode } from '@codex-k8s/domain';

/** Waited when GitHub limits without saying how long, as its documentation asks. */
const unknownWaitSec = 60;

/** Runs a call and translates what it throws; `doing` completes "GitHub did not let us …". */
export async function translateErrors<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toAppError(doing, error);
  }
}

/** What Octokit throws; `response` is missing when nothing was answered. */
interface RequestFailure extends Error {
  readonly status: number;
  readonly request: { readonly method: string; readonly url: string };
  readonly response?: { readonly headers: Headers; readonly data: unknown };
}

function isRequestError(error: unknown): error is RequestFailure {
  return error instanceof Error && 'status' in error && 'request' in error;
}

type Headers = Readonly<Record<string, string | number | undefined>>;

/**
 * The original error never becomes the `cause`: it carries the request, and the request of a webhook carries its secret.
 * What a log needs of it is in `details`.
 */
export function toAppError(doing: string, error: unknown): unknown {
  if (isAppError(error) || !isRequestError(error)) return error;
  const { status, request, response } = error;
  const headers = response?.headers ?? {};
  const details = {
    status,
    method: request.method,
    path: new URL(request.url).pathname,
    requestId: headers['x-github-request-id'],
    githubMessage: messageOf(response?.data),
  };
  if (response === undefined) {
    return new AppError('github.unavailable', `GitHub could not be reached to ${doing}.`, {
      details: { ...details, reason: error.message },
    });
  }
  const code = codeOf(status, headers, messageOf(response.data));
  if (code === 'github.rate_limited') {
    const retryAfterSec = waitOf(headers);
    return new AppError(code, `GitHub limits the rate of this token; it asks to wait ${retryAfterSec} s.`, {
      details: { ...details, retryAfterSec },
    });
  }
  return new AppError(code, `GitHub answered ${status} to the request to ${doing}: ${messageOf(response.data)}`, { details });
}

function codeOf(status: number, headers: Headers, message: string): ErrorCode {
  if (status === 401) return 'github.unauthorized';
  if (status === 429 || (status === 403 && isLimit(headers, message))) return 'github.rate_limited';
  if (status === 403) return 'github.forbidden';
  if (status === 404 || status === 410) return 'github.not_found';
  if (status >= 500) return 'github.unavailable';
  return 'github.rejected';
}

function isLimit(headers: Headers, message: string): boolean {
  const none = headers['x-ratelimit-remaining'] !== undefined && Number(headers['x-ratelimit-remaining']) === 0;
  return none || headers['retry-after'] !== undefined || /rate limit|abuse detection/i.test(message);
}

/** Seconds to wait: what is named, else until the window ends, which GitHub says by its own clock. */
function waitOf(headers: Headers): number {
  const named = Number(headers['retry-after']);
  if (named > 0) return Math.ceil(named);
  const resetSec = Number(headers['x-ratelimit-reset']);
  const nowMs = Date.parse(String(headers['date'])) || Date.now();
  return resetSec > 0 ? Math.max(1, Math.ceil(resetSec - nowMs / 1000)) : unknownWaitSec;
}

/** GitHub's own words with the first of its details: the answer of the server, so free of what we sent as a secret. */
function messageOf(data: unknown): string {
  if (typeof data !== 'object' || data === null || !('message' in data)) return 'no message';
  const [first] = 'errors' in data && Array.isArray(data.errors) ? (data.errors as unknown[]) : [];
  const detail = typeof first === 'object' && first !== null && 'message' in first ? first.message : first;
  return typeof detail === 'string' ? `${String(data.message)}: ${detail}` : String(data.message);
}
