import type { Octokit } from '@octokit/core';
import { LRUCache } from 'lru-cache';

type Answer = Awaited<ReturnType<Octokit['request']>>;

/** The answers of all tokens of a process: however many repositories it serves, they take some tens of megabytes. */
export type KeptAnswers = LRUCache<string, Answer>;

const keptCharacters = 16 * 1024 * 1024;

/** `maxCharacters`: of the answers as JSON, all together; those not used for longest go first. */
export function keepAnswers({ maxCharacters = keptCharacters }: { readonly maxCharacters?: number } = {}): KeptAnswers {
  return new LRUCache({ maxSize: maxCharacters, sizeCalculation: ({ data, headers }) => JSON.stringify([data, headers]).length });
}

/**
 * Sends what GitHub answered before as `If-None-Match` with every GET. An answer of 304 costs nothing of the rate limit, which is what
 * makes polling affordable. `of` keeps the answers of one token from another.
 */
export function rememberAnswers(octokit: Octokit, { of: token, answers }: { readonly of: string; readonly answers: KeptAnswers }): void {
  octokit.hook.wrap('request', async (request, options) => {
    if (options.method !== 'GET') return request(options);
    const { url, headers } = octokit.request.endpoint(options);
    const key = `${token} ${headers.accept ?? ''} ${url}`;
    const known = answers.get(key);
    const etag = known?.headers.etag;
    try {
      // In place: Octokit hands every hook the one object it began with, whatever is passed on.
      if (etag !== undefined) options.headers['if-none-match'] = etag;
      const answer = await request(options);
      if (answer.headers.etag === undefined) answers.delete(key);
      else answers.set(key, { ...answer }); // pagination replaces `data` of what it is given
      return answer;
    } catch (error) {
      if (!known || !isNotModified(error)) throw error;
      return { ...known };
    }
  });
}

function isNotModified(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 304;
}
