import { createHash } from 'node:crypto';
import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { restEndpointMethods } from '@octokit/plugin-rest-endpoint-methods';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { keepAnswers, rememberAnswers, type KeptAnswers } from './conditional-requests.ts';

const timeoutMs = 15_000;
/** A longer wait is the caller's to plan: it has a database and a clock, a blocked call has neither. */
const longestWaitSec = 10;
const retriesOfReads = 2;

const GithubOctokit = Octokit.plugin(paginateRest, restEndpointMethods, retry, throttling);

export type GithubOctokit = InstanceType<typeof GithubOctokit>;

export interface OctokitOptions {
  /** The REST API base: `https://api.github.com` or `http://127.0.0.1:9080/api/v3`. */
  readonly baseUrl: string;
  readonly token: string;
  /** Where answers are kept for conditional requests; by default some of its own. */
  readonly answers?: KeptAnswers | undefined;
  /** Receives what Octokit has to say, without secrets. */
  readonly log?: { debug(fields: object, message: string): void; warn(fields: object, message: string): void } | undefined;
}

export function createOctokit({ baseUrl, token, answers = keepAnswers(), log }: OctokitOptions): GithubOctokit {
  const retryAfterShortWait = (afterSec: number, _options: object, _octokit: object, retryCount: number): boolean =>
    afterSec <= longestWaitSec && retryCount < 1;
  const say = (level: 'debug' | 'warn') => (message: string) => log?.[level]({}, message);
  const id = createHash('sha256').update(token).digest('hex').slice(0, 16);
  const octokit = new GithubOctokit({
    baseUrl,
    auth: token,
    userAgent: 'codex-k8s',
    request: { fetch: fetchWithTimeout },
    log: { debug: () => undefined, info: say('debug'), warn: say('warn'), error: say('warn') },
    retry: { retries: retriesOfReads, retryAfterBaseValue: 250 },
    throttle: {
      // The plugin paces writes (one a second, three for what notifies people) as github.com asks; elsewhere that is only slow.
      enabled: isGithubCom(baseUrl),
      id,
      onRateLimit: retryAfterShortWait,
      onSecondaryRateLimit: retryAfterShortWait,
    },
  });
  octokit.hook.before('request', (options) => {
    // A repeated write could do the thing twice; the reconcilers repeat whole acts, which look first.
    // In an object of its own: Octokit's requests share theirs, and one write would end the retries of all later reads.
    if (options.method !== 'GET') options.request = { ...options.request, retries: 0 };
  });
  rememberAnswers(octokit, { of: id, answers });
  return octokit;
}

function isGithubCom(baseUrl: string): boolean {
  return new URL(baseUrl).hostname.endsWith('github.com');
}

/** The limit is per attempt: the time a request waits for its turn does not count. */
function fetchWithTimeout(url: string, init: RequestInit = {}): Promise<Response> {
  const limit = AbortSignal.timeout(timeoutMs);
  return fetch(url, { ...init, signal: init.signal ? AbortSignal.any([init.signal, limit]) : limit });
}
