import type { Octokit } from '@octokit/core';

/** Answers kept; one is a page of a list or one object, so a few kilobytes. */
const kept = 200;

/**
 * Sends what GitHub answered before as `If-None-Match` with every GET. An answer of 304 costs nothing of the rate limit, which is what
 * makes polling affordable. The answers are those of one token, so the memory belongs to one Octokit.
 */
export function rememberAnswers(octokit: Octokit): void {
  type Answer = Awaited<ReturnType<Octokit['request']>>;
  const answers = new Map<string, Answer>();

  octokit.hook.wrap('request', async (request, options) => {
    if (options.method !== 'GET') return request(options);
    const { url, headers } = octokit.request.endpoint(options);
    const key = `${headers.accept ?? ''} ${url}`;
    const known = answers.get(key);
    const etag = known?.headers.etag;
    try {
      // In place: Octokit hands every hook the one object it began with, whatever is passed on.
      if (etag !== undefined) options.headers['if-none-match'] = etag;
      const answer = await request(options);
      remember(answers, key, answer);
      return answer;
    } catch (error) {
      if (!known || !isNotModified(error)) throw error;
      remember(answers, key, known);
      return { ...known }; // pagination replaces `data` of what it is given
    }
  });
}

function isNotModified(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 304;
}

/** A Map keeps insertion order, so its first key is the one not used for longest. */
function remember<T extends { headers: { etag?: string | undefined } }>(answers: Map<string, T>, key: string, answer: T): void {
  answers.delete(key);
  if (answer.headers.etag === undefined) return;
  answers.set(key, { ...answer });
  const [oldest] = answers.keys();
  if (answers.size > kept && oldest !== undefined) answers.delete(oldest);
}
