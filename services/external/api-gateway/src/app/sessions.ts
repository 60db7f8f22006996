import type { StaffUser } from '@codex-k8s/contracts/internal';
import { signToken, verifyToken } from '@codex-k8s/http';
import type { Config } from '../config.ts';
import type { ControlPlaneClient } from './control-plane.ts';

export const sessionCookie = 'codexk8s_staff_jwt';
const issuer = 'codex-k8s';

export interface Session {
  readonly userId: string;
  /** Epoch seconds of the sign-in; renewals keep it. */
  readonly signedInAt: number;
  readonly expiresAt: number;
}

type SessionConfig = Pick<Config, 'jwtKey' | 'jwtTtlSec' | 'sessionMaxSec'>;

function keyOf({ jwtKey }: SessionConfig): Uint8Array {
  return new TextEncoder().encode(jwtKey);
}

/** A short-lived JWT (reference §9.5). Rights in it are for show; the control plane reads them from the database. */
export async function issueSession(config: SessionConfig, { user, signedInAt }: { user: StaffUser; signedInAt: number }): Promise<string> {
  const { id, email, github_login, is_platform_admin: is_admin, is_platform_owner: is_owner } = user;
  return signToken(keyOf(config), {
    issuer,
    ttlSec: config.jwtTtlSec,
    claims: { sub: id, email, github_login, is_admin, is_owner, auth_time: signedInAt },
  });
}

/** `auth.unauthorized` for anything that is not a valid session of ours. */
export async function readSession(config: SessionConfig, token: string): Promise<Session> {
  const { sub, exp, auth_time } = await verifyToken(keyOf(config), { issuer, token });
  return { userId: sub ?? '', expiresAt: exp ?? 0, signedInAt: typeof auth_time === 'number' ? auth_time : 0 };
}

/** A fresh token for a session in the second half of its life, while the person still has access; otherwise undefined. */
export async function renewSession(
  config: SessionConfig,
  { session, controlPlane, now }: { session: Session; controlPlane: ControlPlaneClient; now: number },
): Promise<string | undefined> {
  const isYoung = session.expiresAt - now > config.jwtTtlSec / 2;
  const isTooOld = now - session.signedInAt > config.sessionMaxSec;
  if (isYoung || isTooOld) return undefined;
  const user = await controlPlane.getStaffUser(session.userId);
  return user && issueSession(config, { user, signedInAt: session.signedInAt });
}
