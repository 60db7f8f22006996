import { createHash, randomBytes } from 'node:crypto';
import type { OauthAppRecord, OauthCodeRecord, UserRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { issueToken, sha256 } from './tokens.ts';

const codeLifetimeMs = 600_000;

export interface Authorization {
  readonly app: OauthAppRecord;
  readonly redirectUri: string;
  readonly state: string | undefined;
  readonly scopes: readonly string[];
  readonly codeChallenge: string | undefined;
}

export interface OauthProblem {
  readonly error: string;
  readonly description: string;
}

/** Checks what a browser brings to `/login/oauth/authorize`. */
export function readAuthorization(store: Store, query: Readonly<Record<string, string>>): Authorization | OauthProblem {
  const app = store.oauthApps.find('', query['client_id'] ?? '');
  if (!app) return { error: 'not_found', description: 'There is no OAuth application with this client_id.' };
  const redirectUri = query['redirect_uri'] ?? app.redirectUris[0];
  if (redirectUri === undefined || !app.redirectUris.some((known) => covers(known, redirectUri))) {
    return { error: 'redirect_uri_mismatch', description: 'The redirect_uri is not associated with this application.' };
  }
  if (query['code_challenge'] !== undefined && query['code_challenge_method'] !== 'S256') {
    return { error: 'invalid_request', description: 'Only the S256 code_challenge_method is supported.' };
  }
  const scopes = (query['scope'] ?? '').split(/[\s,]+/).filter(Boolean);
  return { app, redirectUri, state: query['state'], scopes, codeChallenge: query['code_challenge'] };
}

/** GitHub's rule: same host, and a path below the registered one. */
function covers(known: string, asked: string): boolean {
  if (!URL.canParse(known) || !URL.canParse(asked)) return false;
  const [registered, wanted] = [new URL(known), new URL(asked)];
  const loopback = registered.hostname === '127.0.0.1' || registered.hostname === 'localhost';
  const samePort = loopback || registered.port === wanted.port; // loopback addresses may use any port
  const below = wanted.pathname === registered.pathname || wanted.pathname.startsWith(`${registered.pathname.replace(/\/$/, '')}/`);
  return registered.protocol === wanted.protocol && registered.hostname === wanted.hostname && samePort && below;
}

/** Where the browser goes once the user agreed: the redirect with a one-time code. */
export function grantCode(store: Store, { app, redirectUri, state, scopes, codeChallenge }: Authorization, user: UserRecord): string {
  const code = randomBytes(20).toString('hex');
  store.oauthCodes.insert(
    { parent: '', name: sha256(code) },
    {
      clientId: app.clientId,
      userId: user.id,
      redirectUri,
      scopes,
      codeChallenge: codeChallenge ?? null,
      expiresAt: Date.now() + codeLifetimeMs,
    },
  );
  const target = new URL(redirectUri);
  target.searchParams.set('code', code);
  if (state !== undefined) target.searchParams.set('state', state);
  return target.href;
}

export interface TokenRequest {
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly code?: string | undefined;
  readonly redirect_uri?: string | undefined;
  readonly code_verifier?: string | undefined;
}

/** GitHub answers 200 either way. */
export function exchangeCode(store: Store, request: TokenRequest): Record<string, string> {
  const app = store.oauthApps.find('', request.client_id ?? '');
  if (!app || app.clientSecret !== request.client_secret) {
    return problem('incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.');
  }
  const record = store.oauthCodes.find('', sha256(request.code ?? ''));
  if (record) store.oauthCodes.remove(record); // whatever comes of it, a code is tried once
  const user =
    record && record.clientId === app.clientId && record.expiresAt > Date.now() && proves(record, request.code_verifier)
      ? store.users.get(record.userId)
      : undefined;
  if (!record || !user) return problem('bad_verification_code', 'The code passed is incorrect or expired.');
  if (request.redirect_uri !== undefined && request.redirect_uri !== record.redirectUri) {
    return problem('redirect_uri_mismatch', 'The redirect_uri MUST match the registered callback URL for this application.');
  }
  return { access_token: issueToken(store, user, record.scopes), scope: record.scopes.join(','), token_type: 'bearer' };
}

function proves({ codeChallenge }: OauthCodeRecord, verifier: string | undefined): boolean {
  if (codeChallenge === null) return true;
  return (
    createHash('sha256')
      .update(verifier ?? '')
      .digest('base64url') === codeChallenge
  );
}

function problem(error: string, description: string): Record<string, string> {
  return {
    error,
    error_description: description,
    error_uri: 'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors',
  };
}
