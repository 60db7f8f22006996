import { AppError } from '@codex-k8s/domain';
import { jwtVerify, SignJWT, type JWTPayload } from 'jose';

/** Signs a short-lived HS256 token. `ttlSec`: seconds. */
export async function signToken(
  key: Uint8Array,
  { issuer, ttlSec, claims }: { issuer: string; ttlSec: number; claims: JWTPayload },
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuer(issuer).setIssuedAt().setExpirationTime(`${ttlSec}s`).sign(key);
}

/** The claims of a token of ours. `auth.unauthorized` for anything else, without saying which check failed. */
export async function verifyToken(key: Uint8Array, { issuer, token }: { issuer: string; token: string }): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, key, { issuer, algorithms: ['HS256'] });
    return payload;
  } catch (error) {
    throw new AppError('auth.unauthorized', 'The token is not valid or has expired.', { cause: error });
  }
}

/**
 * As `verifyToken`, for callers that come again and again with the same token: its signature is checked at their first call, its time at each. A
 * signature costs as much as the rest of a heartbeat. Forgets the token it learned first when it knows `remembers`.
 */
export function tokenVerifier(
  key: Uint8Array,
  { issuer, remembers = 20_000 }: { issuer: string; remembers?: number },
): (token: string) => Promise<JWTPayload> {
  const known = new Map<string, JWTPayload>();
  return async (token) => {
    const before = known.get(token);
    if (before && (before.exp ?? 0) * 1000 > Date.now()) return before;
    const claims = await verifyToken(key, { issuer, token });
    if (known.size >= remembers) known.delete(known.keys().next().value ?? '');
    known.set(token, claims);
    return claims;
  };
}

/** The token of an `Authorization: Bearer …` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer ([\w.~+/=-]+)$/i.exec(header)?.[1];
}
