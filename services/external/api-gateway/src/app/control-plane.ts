import { AppError, isErrorCode } from '@codex-k8s/domain';
import { authorizeOAuthUser, getStaffUser, type StaffUser } from '@codex-k8s/contracts/internal';
import { createClient, createConfig } from '@codex-k8s/contracts/internal/client';
import { traceHeaders } from '@codex-k8s/runtime';
import { createPostBytes } from './post-bytes.ts';

/** What the gateway asks of the control plane itself; everything else it passes through. */
export interface ControlPlaneClient {
  /** The status and JSON body to answer GitHub with. `service.unavailable` when it cannot be reached. */
  ingestEvent(delivery: { event: string; deliveryId: string; bodySha256: string; body: Buffer }): Promise<{ status: number; body: string }>;
  /** `auth.email_not_allowed` when the identity is not on the list. */
  authorizeOAuthUser(identity: { email: string; githubUserId: number; githubLogin: string }): Promise<StaffUser>;
  /** Undefined: the access was withdrawn. */
  getStaffUser(userId: string): Promise<StaffUser | undefined>;
  isReady(): Promise<boolean>;
}

export function createControlPlaneClient({ url, token }: { url: string; token: string }): ControlPlaneClient {
  const client = createClient(createConfig({ baseUrl: `${url}/internal/v1`, auth: token }));
  const postBytes = createPostBytes(url, { timeoutMs: 9_000 }); // GitHub gives up after 10 s
  return {
    ingestEvent: ({ event, deliveryId, bodySha256, body }) =>
      reach(() =>
        postBytes({
          path: '/internal/v1/events/github',
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'x-github-event': event,
            'x-github-delivery': deliveryId,
            'x-codexk8s-body-sha256': bodySha256,
            'x-correlation-id': deliveryId,
            ...traceHeaders(),
          },
          body,
        }),
      ),
    authorizeOAuthUser: async ({ email, githubUserId, githubLogin }) => {
      const { data, error } = await reach(() =>
        authorizeOAuthUser({ client, body: { email, github_user_id: githubUserId, github_login: githubLogin } }),
      );
      if (data) return data;
      throw translate(error);
    },
    getStaffUser: async (userId) => {
      const { data, error } = await reach(() => getStaffUser({ client, path: { user_id: userId } }));
      if (data) return data;
      if (codeOf(error) === 'user.not_found') return undefined;
      throw translate(error);
    },
    isReady: async () => {
      try {
        return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok;
      } catch {
        return false; // not reachable is the answer
      }
    },
  };
}

async function reach<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new AppError('service.unavailable', 'The control plane is not reachable.', { cause: error });
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code; // the contract's Error, or nothing when there was no answer
}

function translate(error: unknown): AppError {
  const code = codeOf(error);
  if (isErrorCode(code)) return new AppError(code, (error as { message: string }).message); // the contract's Error
  return new AppError('service.unavailable', 'The control plane did not answer.', { cause: error });
}
