import { AppError, type ErrorCode } from '@codex-k8s/domain';
import { ApiException } from '@kubernetes/client-node';

/** What the API server says in the body of a refusal. */
interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly reason?: string }[] };
}

/** A failure of the cluster as one of our codes; anything that is not the cluster's stays as it is. */
export function translateKubeError(error: unknown, what: string): unknown {
  if (error instanceof ApiException) {
    const { reason, message } = statusOf(error.body);
    return new AppError(codeOf(error.code, message ?? ''), `${what}: ${message ?? reason ?? `HTTP ${error.code}`}`, { cause: error });
  }
  if (isNetworkFailure(error)) return new AppError('kube.unavailable', `${what}: the API server does not answer.`, { cause: error });
  return error;
}

export interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly what: string;
  /** Only fields and reasons are told: a message may quote a value. */
  readonly isSecret: boolean;
}

/** The failure that an answer of the API server means. `details.status` is its HTTP status. */
export function refusal({ status, body, what, isSecret }: Refusal): AppError {
  const { reason, message, details } = statusOf(body);
  const fields = (details?.causes ?? []).map(({ field, reason: why }) => `${field ?? ''} ${why ?? ''}`.trim());
  const said = isSecret ? [reason ?? `HTTP ${status}`, ...fields].join('; ') : (message ?? reason ?? `HTTP ${status}`);
  return new AppError(codeOf(status, message ?? ''), `${what}: ${said}`, { details: { status } });
}

function codeOf(status: number, message: string): ErrorCode {
  if (status === 401) return 'kube.unauthorized';
  // A webhook chooses the status of its refusal, and one that fails is an internal error of the API server.
  if (/admission webhook ".*" denied the request/.test(message)) return 'kube.rejected';
  if (/failed calling webhook/.test(message)) return 'kube.webhook_failed';
  if (status === 403 && /exceeded quota/.test(message)) return 'kube.quota_exceeded';
  if (status === 403 && /being terminated/.test(message)) return 'kube.namespace_terminating';
  if (status === 403) return /violates PodSecurity|ValidatingAdmissionPolicy/.test(message) ? 'kube.rejected' : 'kube.forbidden';
  if (status === 404) return 'kube.not_found';
  if (status === 409) return 'kube.conflict';
  if (status === 410) return 'kube.list_expired';
  if (status === 400 || status === 413 || status === 422) return 'kube.rejected';
  return 'kube.unavailable';
}

function statusOf(body: unknown): Status {
  if (typeof body !== 'string') return typeof body === 'object' && body !== null ? body : {};
  try {
    return JSON.parse(body) as Status; // Kubernetes answers refusals with a Status object
  } catch {
    return { message: body.slice(0, 500) };
  }
}

const networkCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
];

function isNetworkFailure(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as Error & { code?: unknown }; // system errors have one
    if (networkCodes.includes(String(code)) || at.name === 'AbortError' || at.name === 'TimeoutError' || at.message === 'fetch failed')
      return true;
  }
  return false;
}
