import { authorizeOAuthUser, getStaffUser, type DeliveryAnswer, type StaffUser } from '@codex-k8s/contracts/internal';
import { createClient, createConfig } from '@codex-k8s/contracts/internal/client';
import { createForwarding, type ForwardedDelivery } from './forward-deliveries.ts';
import { codeOf, reach, translate } from './reach.ts';

/** What the gateway asks of the control plane itself; everything else it passes through. */
export interface ControlPlaneClient {
  /** What to answer GitHub with. `service.unavailable` when it cannot be reached. */
  ingestEvent(delivery: ForwardedDelivery): Promise<DeliveryAnswer>;
  /** `auth.email_not_allowed` when the identity is not on the list. */
  authorizeOAuthUser(identity: { email: string; githubUserId: number; githubLogin: string }): Promise<StaffUser>;
  /** Undefined: the access was withdrawn. */
  getStaffUser(userId: string): Promise<StaffUser | undefined>;
  isReady(): Promise<boolean>;
}

export function createControlPlaneClient({ url, token }: { url: string; token: string }): ControlPlaneClient {
  const client = createClient(createConfig({ baseUrl: `${url}/internal/v1`, auth: token }));
  return {
    ingestEvent: createForwarding({ url, token }),
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
