import { Octokit } from '@octokit/core';
import { expect, test } from 'vitest';
import { keepAnswers, rememberAnswers, type KeptAnswers } from './conditional-requests.ts';

/** Its GETs tell which `if-none-match` reached the host. */
function client(of: string, answers: KeptAnswers): (path: string) => Promise<string> {
  let sent = '';
  const fetch = async (_url: string, { headers }: { headers: Record<string, string> }): Promise<Response> => {
    sent = headers['if-none-match'] ?? 'nothing';
    return new Response('{"a":1}', { headers: { etag: '"1"', 'content-type': 'application/json' } });
  };
  const octokit = new Octokit({ baseUrl: 'https://github.example', request: { fetch } });
  rememberAnswers(octokit, { of, answers });
  return async (path) => {
    await octokit.request(`GET ${path}`);
    return sent;
  };
}

test('answers are kept together, and each token has its own', async () => {
  const answers = keepAnswers();
  const [ann, bob] = [client('ann', answers), client('bob', answers)];

  expect([await ann('/x'), await ann('/x'), await bob('/x'), await bob('/x')]).toEqual(['nothing', '"1"', 'nothing', '"1"']);
});

test('those of a thousand repositories take no more room than those of a few', async () => {
  const answers = keepAnswers({ maxCharacters: 2_000 });
  const ann = client('ann', answers);

  await ann('/0');
  for (let n = 1; n < 1_000; n += 1) await ann(`/${n}`);

  expect(answers.calculatedSize).toBeLessThanOrEqual(2_000);
  expect([await ann('/999'), await ann('/0')]).toEqual(['"1"', 'nothing']);
});
