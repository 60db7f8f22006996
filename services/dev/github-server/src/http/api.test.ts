import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../test-support.ts';

let github: TestServer;

beforeAll(async () => {
  github = await startTestServer();
});

afterAll(() => github[Symbol.asyncDispose]());

test('a private repository does not exist for those who may not see it', async () => {
  expect((await github.api('GET', '', undefined, { login: '' })).status).toBe(404);
  expect((await github.api('GET', '', undefined, { login: 'eve' })).status).toBe(200);
});

test('lists are paged with links that lead on', async () => {
  for (let number = 2; number <= 5; number += 1) await github.api('POST', '/issues', { title: `Issue ${number}` });
  const first = await github.api('GET', '/issues?per_page=2');
  const link = first.headers.get('link') ?? '';
  const last = await github.api('GET', '/issues?per_page=2&page=3');

  expect(first.body.map((issue: { number: number }) => issue.number)).toEqual([5, 4]);
  expect(link).toContain(`<${github.server.apiUrl}/repos/ada/demo/issues?per_page=2&page=2>; rel="next"`);
  expect(link).toContain('page=3>; rel="last"');
  expect(last.headers.get('link')).not.toContain('rel="next"');
  expect(last.body).toHaveLength(1);
});

test('an unchanged answer is 304 and costs nothing', async () => {
  const first = await github.api('GET', '/issues/1');
  const etag = first.headers.get('etag') ?? '';
  const again = await github.api('GET', '/issues/1', undefined, { headers: { 'if-none-match': etag } });
  await github.api('POST', '/issues/1/labels', ['run:dev']);
  const changed = await github.api('GET', '/issues/1', undefined, { headers: { 'if-none-match': etag } });

  expect([again.status, again.text, changed.status]).toEqual([304, '', 200]);
  expect(again.headers.get('x-ratelimit-used')).toBe(first.headers.get('x-ratelimit-used'));
});

test('errors are in the words of GitHub', async () => {
  const malformed = await github.api('POST', '/issues', '{');
  const invalid = await github.api('POST', '/issues', { body: 'no title' });
  const unknown = await github.api('GET', '/nothing');
  const unauthorized = await github.api('GET', '^/user', undefined, { headers: { authorization: 'token wrong' }, login: '' });

  expect([malformed.status, malformed.body.message]).toEqual([400, 'Problems parsing JSON']);
  expect(invalid).toMatchObject({
    status: 422,
    body: { message: 'Validation Failed', errors: [{ resource: 'Issue', field: 'title' }], documentation_url: expect.any(String) },
  });
  expect([unknown.status, unknown.body.message]).toEqual([404, 'Not Found']);
  expect([unauthorized.status, unauthorized.body.message]).toEqual([401, 'Bad credentials']);
  expect(invalid.headers.get('x-github-request-id')).toMatch(/^[0-9A-F]+$/);
});

test('somebody without triage rights opens issues but does not label them', async () => {
  const { body } = await github.api('POST', '/issues', { title: 'By Eve', labels: ['run:dev'] }, { login: 'eve' });
  const labelled = await github.api('POST', `/issues/${body.number}/labels`, ['run:dev'], { login: 'eve' });

  expect(body.labels).toEqual([]);
  expect(labelled.status).toBe(403);
});

test('a revoked token is refused at once', async () => {
  await github.server.seed({ users: [{ login: 'bob', tokens: ['token-short'] }] });
  expect((await github.api('GET', '^/user', undefined, { login: 'short' })).body.login).toBe('bob');
  github.server.revokeToken('token-short');

  expect((await github.api('GET', '^/user', undefined, { login: 'short' })).status).toBe(401);
});

test('ordered failures come as often as asked and only where asked', async () => {
  github.server.faults.failNext({ match: /GET .*\/issues/, status: 502, times: 2 });
  const statuses = [];
  for (const path of ['/labels', '/issues', '/issues/1', '/issues']) statuses.push((await github.api('GET', path)).status);

  expect(statuses).toEqual([200, 502, 502, 200]);
});

test('comment positions follow the diff', async () => {
  await github.shell(
    `git clone -q "$REMOTE" . && git checkout -qb lines && sed -i 's/two/TWO/' src/a.txt && git commit -qam lines && git push -q origin lines`,
  );
  const { body: pull } = await github.api('POST', '/pulls', { title: 'L', head: 'lines', base: 'main' });
  const comments = [{ path: 'src/a.txt', line: 2, side: 'LEFT', body: 'old' }];
  await github.api('POST', `/pulls/${pull.number}/reviews`, { event: 'COMMENT', comments });
  const outside = await github.api('POST', `/pulls/${pull.number}/reviews`, {
    event: 'COMMENT',
    comments: [{ path: 'src/a.txt', line: 9, body: 'no' }],
  });
  const { body } = await github.api('GET', `/pulls/${pull.number}/comments`);

  expect(body).toMatchObject([{ side: 'LEFT', line: 2, position: 2, diff_hunk: expect.stringContaining('-two') }]);
  expect([outside.status, outside.body.errors]).toEqual([422, ['Line could not be resolved']]);
});
