import { AppError } from '@codex-k8s/domain';
import * as oidc from 'openid-client';
import { z } from 'zod';
import type { Config } from '../config.ts';

export interface LoginAttempt {
  readonly state: string;
  readonly codeVerifier: string;
}

export interface GithubIdentity {
  readonly email: string;
  readonly githubUserId: number;
  readonly githubLogin: string;
}

/** GitHub's OAuth web flow with state and PKCE at any base URL (reference §9.5). */
export interface GithubOAuth {
  start(): Promise<LoginAttempt & { readonly url: URL }>;
  /** `auth.oauth_failed` when GitHub or the state says no; `auth.email_not_allowed` without a verified primary e-mail. */
  finish(callback: URL, attempt: LoginAttempt): Promise<GithubIdentity>;
}

const User = z.object({ id: z.number(), login: z.string() });
const Emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));

export function createGithubOAuth({ oauth, githubApiUrl, publicUrl }: Pick<Config, 'oauth' | 'githubApiUrl' | 'publicUrl'>): GithubOAuth {
  const { origin } = new URL(oauth.authorizeUrl);
  const server = { issuer: origin, authorization_endpoint: oauth.authorizeUrl, token_endpoint: oauth.tokenUrl };
  const configuration = new oidc.Configuration(server, oauth.clientId, oauth.clientSecret, oidc.ClientSecretPost(oauth.clientSecret));
  if (oauth.tokenUrl.startsWith('http://')) oidc.allowInsecureRequests(configuration); // the dev GitHub server on loopback
  const redirectUri = `${publicUrl}/api/v1/auth/github/callback`;

  async function read<T>(path: string, token: string, schema: z.ZodType<T>): Promise<T> {
    const response = await fetch(`${githubApiUrl}${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'user-agent': 'codex-k8s' },
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new AppError('auth.oauth_failed', `GitHub answered ${response.status} for ${path}.`);
    return schema.parse(await response.json());
  }

  return {
    start: async () => {
      const state = oidc.randomState();
      const codeVerifier = oidc.randomPKCECodeVerifier();
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'read:user user:email',
        state,
        code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return { state, codeVerifier, url };
    },
    finish: async (callback, { state, codeVerifier }) => {
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, callback, { expectedState: state, pkceCodeVerifier: codeVerifier });
        const [user, emails] = await Promise.all([
          read('/user', tokens.access_token, User),
          read('/user/emails', tokens.access_token, Emails),
        ]);
        const primary = emails.find(({ primary, verified }) => primary && verified);
        if (!primary) throw new AppError('auth.email_not_allowed', 'Your GitHub account has no verified primary e-mail.');
        return { email: primary.email, githubUserId: user.id, githubLogin: user.login };
      } catch (error) {
        if (error instanceof AppError) throw error;
        throw new AppError('auth.oauth_failed', 'The sign-in with GitHub did not complete.', { cause: error });
      }
    },
  };
}
