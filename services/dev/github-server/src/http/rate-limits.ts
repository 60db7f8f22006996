import type { FastifyReply } from 'fastify';
import { GithubError } from '../errors.ts';
import type { Caller } from '../app/tokens.ts';
import type { Faults } from './faults.ts';

const hourMs = 3_600_000;
/** Above GitHub's 5,000: this server is shared by a whole test run. */
const signedInLimit = 100_000;
const anonymousLimit = 10_000;

interface Window {
  readonly limit: number;
  readonly resetAt: number;
  used: number;
}

export interface RateLimits {
  /** Counts the request and sets the headers; throws 403 when the caller has none left. */
  spend(caller: Caller | undefined, reply: FastifyReply, url: string): void;
  /** A 304 costs nothing. */
  giveBack(caller: Caller | undefined, reply: FastifyReply): void;
}

export function startRateLimits(faults: Faults): RateLimits {
  const windows = new Map<string, Window>();

  function windowOf(caller: Caller | undefined): Window {
    const key = caller?.token.hash ?? '';
    const known = windows.get(key);
    if (known && known.resetAt > Date.now()) return known;
    const fresh = { limit: caller ? signedInLimit : anonymousLimit, resetAt: Date.now() + hourMs, used: 0 };
    windows.set(key, fresh);
    return fresh;
  }

  function tell(reply: FastifyReply, { limit, used, resetAt }: Window): void {
    void reply.headers({
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, limit - used)),
      'x-ratelimit-used': String(used),
      'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
      'x-ratelimit-resource': 'core',
    });
  }

  return {
    spend: (caller, reply, url) => {
      if (caller) void reply.header('x-oauth-scopes', caller.token.scopes.join(', '));
      const until = faults.limitedUntil();
      const limited = until !== undefined && until.getTime() > Date.now();
      const window = limited ? { limit: signedInLimit, used: signedInLimit, resetAt: until.getTime() } : windowOf(caller);
      if (!url.startsWith('/api/v3/rate_limit')) window.used += limited ? 0 : 1;
      tell(reply, window);
      if (limited || window.used > window.limit) throw new GithubError(403, exceeded(caller));
    },
    giveBack: (caller, reply) => {
      const window = windowOf(caller);
      window.used = Math.max(0, window.used - 1);
      tell(reply, window);
    },
  };
}

function exceeded(caller: Caller | undefined): string {
  return caller ? `API rate limit exceeded for user ID ${caller.user.id}.` : 'API rate limit exceeded for an anonymous caller.';
}
