import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushBranch, startTestServer, type TestServer } from '../test-support.ts';

let github: TestServer;

beforeAll(async () => {
  github = await startTestServer();
});

afterAll(() => github[Symbol.asyncDispose]());

/** A browser's share: a cookie, and the hidden token of the page a form is on. */
async function signIn(login: string) {
  const response = await post('/login', { login, return_to: '/ada/demo' }, '');
  const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const page = (path: string) => fetch(github.server.url + path, { headers: { cookie }, redirect: 'manual' });
  async function submit(path: string, on: string, fields: Readonly<Record<string, string>>): Promise<Response> {
    const csrf = /name="csrf" value="(\w+)"/.exec(await (await page(on)).text())?.[1] ?? '';
    return post(path, { csrf, ...fields }, cookie);
  }
  return { page, submit, cookie };
}

function post(path: string, fields: Readonly<Record<string, string>>, cookie: string): Promise<Response> {
  return fetch(github.server.url + path, { method: 'POST', headers: { cookie }, body: new URLSearchParams(fields), redirect: 'manual' });
}

test('strangers see neither the private repository nor its pages', async () => {
  const home = await (await fetch(github.server.url)).text();

  expect(home).not.toContain('ada/demo');
  expect((await fetch(`${github.server.url}/ada/demo`)).status).toBe(404);
  expect((await fetch(`${github.server.url}/ada/demo/issues/1`)).status).toBe(404);
});

test('an issue is opened, labelled, commented and closed from the pages', async () => {
  const ada = await signIn('ada');
  const opened = await ada.submit('/ada/demo/issues', '/ada/demo/issues/new', {
    title: 'From a page',
    body: '**bold** <script>x</script>',
  });
  const path = opened.headers.get('location') ?? '';
  await ada.submit(`${path}/labels`, path, { add: 'run:dev' });
  await ada.submit(`${path}/comments`, path, { body: 'Done', action: 'close' });
  const { body } = await github.api('GET', path.replace('/ada/demo', ''));
  const text = await (await ada.page(path)).text();

  expect(body).toMatchObject({ title: 'From a page', state: 'closed', comments: 1, labels: [{ name: 'run:dev' }] });
  expect(text).toContain('<strong>bold</strong>');
  expect(text).not.toContain('<script');
});

test('a pull request is reviewed and merged from the pages', async () => {
  await pushBranch(github, 'feat/page');
  const { body } = await github.api('POST', '/pulls', { title: 'P', head: 'feat/page', base: 'main' }, { login: 'codex-bot' });
  const path = `/ada/demo/pull/${body.number}`;
  const bob = await signIn('bob');
  const files = await (await bob.page(`${path}/files`)).text();
  await bob.submit(`${path}/reviews`, path, { event: 'APPROVE', body: 'Good' });
  const merged = await bob.submit(`${path}/merge`, path, { method: 'squash' });

  expect(files).toContain('feat-page.txt');
  expect(merged.status).toBe(303);
  expect((await github.api('GET', `/pulls/${body.number}/reviews`)).body).toMatchObject([{ state: 'APPROVED', user: { login: 'bob' } }]);
  expect((await github.api('GET', `/pulls/${body.number}`)).body.merged).toBe(true);
});

test('a form from elsewhere is refused', async () => {
  const ada = await signIn('ada');

  expect((await post('/ada/demo/issues', { title: 'Forged' }, ada.cookie)).status).toBe(403);
  expect((await post('/ada/demo/issues', { title: 'Forged', csrf: 'x' }, '')).status).toBe(401);
});

test('a reader may not label', async () => {
  const eve = await signIn('eve');

  expect((await eve.submit('/ada/demo/issues/1/labels', '/ada/demo/issues/new', { add: 'run:dev' })).status).toBe(403);
});

test('signing in does not lead to other sites', async () => {
  for (const target of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
    expect((await post('/login', { login: 'ada', return_to: target }, '')).headers.get('location')).toBe('/');
  }
});
