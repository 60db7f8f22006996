import type { StartLoginData, FinishLoginData } from '@codex-k8s/contracts/staff';
import { AppError } from '@codex-k8s/domain';
import { bearerOf, signToken, verifyToken } from '@codex-k8s/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ControlPlaneClient } from '../app/control-plane.ts';
import type { GithubOAuth } from '../app/github-oauth.ts';
import { issueSession, readSession, sessionCookie } from '../app/sessions.ts';
import type { Config } from '../config.ts';

const stateCookie = 'codexk8s_oauth_state';
const stateTtlSec = 300;
const stateIssuer = 'codex-k8s/oauth-state';
const callbackPath = '/api/v1/auth/github/callback';

export interface AuthOptions {
  readonly config: Config;
  readonly oauth: GithubOAuth;
  readonly controlPlane: ControlPlaneClient;
}

export function cookieOptions({ cookieSecure }: Pick<Config, 'cookieSecure'>, path = '/') {
  return { path, httpOnly: true, sameSite: 'lax', secure: cookieSecure } as const;
}

export function authHandlers({ config, oauth, controlPlane }: AuthOptions) {
  const stateKey = new TextEncoder().encode(config.jwtKey);
  return {
    startLogin: async (request: FastifyRequest<{ Querystring: StartLoginData['query'] }>, reply: FastifyReply) => {
      const { url, state, codeVerifier } = await oauth.start();
      const claims = { state, code_verifier: codeVerifier, return_to: request.query?.return_to ?? '/' };
      const value = await signToken(stateKey, { issuer: stateIssuer, ttlSec: stateTtlSec, claims });
      return reply.setCookie(stateCookie, value, { ...cookieOptions(config, callbackPath), maxAge: stateTtlSec }).redirect(url.href, 302);
    },

    finishLogin: async (request: FastifyRequest<{ Querystring: FinishLoginData['query'] }>, reply: FastifyReply) => {
      const attempt = await readAttempt(stateKey, request.cookies[stateCookie]);
      const identity = await oauth.finish(new URL(request.url, config.publicUrl), attempt);
      const user = await controlPlane.authorizeOAuthUser(identity);
      const token = await issueSession(config, { user, signedInAt: Math.floor(Date.now() / 1000) });
      return reply
        .clearCookie(stateCookie, cookieOptions(config, callbackPath))
        .setCookie(sessionCookie, token, { ...cookieOptions(config), maxAge: config.sessionMaxSec })
        .redirect(attempt.returnTo, 302);
    },

    logout: async (_request: FastifyRequest, reply: FastifyReply) =>
      reply.clearCookie(sessionCookie, cookieOptions(config)).code(204).send(),

    getMe: async (request: FastifyRequest, reply: FastifyReply) => {
      const token = tokenOf(request);
      if (!token) throw new AppError('auth.unauthorized', 'Sign in first.');
      const { userId } = await readSession(config, token);
      const user = await controlPlane.getStaffUser(userId);
      if (!user) throw new AppError('auth.unauthorized', 'Your access was withdrawn.');
      return reply.code(200).send(user);
    },
  };
}

export function tokenOf(request: FastifyRequest): string | undefined {
  return bearerOf(request.headers.authorization) ?? request.cookies[sessionCookie];
}

/** The browser that comes back must be the one that left (state cookie), within five minutes. */
async function readAttempt(
  key: Uint8Array,
  cookie: string | undefined,
): Promise<{ state: string; codeVerifier: string; returnTo: string }> {
  if (cookie === undefined) throw new AppError('auth.oauth_failed', 'This sign-in was not started in this browser, or it took too long.');
  try {
    const { state, code_verifier, return_to } = await verifyToken(key, { issuer: stateIssuer, token: cookie });
    return { state: String(state), codeVerifier: String(code_verifier), returnTo: String(return_to) };
  } catch (error) {
    throw new AppError('auth.oauth_failed', 'The sign-in took too long.', { cause: error });
  }
}
