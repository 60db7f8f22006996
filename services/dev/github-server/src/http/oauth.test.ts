import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../test-support.ts';

let github: TestServer;
const redirect = 'http://127.0.0.1:7777/callback';

beforeAll(async () => {
  github = await startTestServer();
});

afterAll(() => github[Symbol.asyncDispose]());

function authorizeUrl(more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({ client_id: 'app', redirect_uri: redirect, scope: 'read:user,user:email', state: 's1', ...more });
  return `${github.server.url}/login/oauth/authorize?${query.toString()}`;
}

async function exchange(more: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const response = await fetch(`${github.server.url}/login/oauth/access_token`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ client_id: 'app', client_secret: 'app-secret', ...more }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, string>; // a flat object of texts
}

test('choosing a name on the page signs in with a token that works', async () => {
  const page = await (await fetch(authorizeUrl())).text();
  const chosen = await fetch(authorizeUrl(), { method: 'POST', body: new URLSearchParams({ login: 'bob' }), redirect: 'manual' });
  const target = new URL(chosen.headers.get('location') ?? '');
  const answer = await exchange({ code: target.searchParams.get('code') ?? '' });

  expect(page).toContain('Sign in as bob');
  expect(page).not.toContain('codex-bot');
  expect([target.origin + target.pathname, target.searchParams.get('state')]).toEqual([redirect, 's1']);
  expect(answer).toMatchObject({ token_type: 'bearer', scope: 'read:user,user:email' });
  const user = await github.api('GET', '^/user/emails', undefined, {
    login: '',
    headers: { authorization: `token ${answer['access_token']}` },
  });
  expect(user.body).toEqual([{ email: 'bob@example.com', primary: true, verified: true, visibility: 'private' }]);
});

test('a code works once, for its verifier only', async () => {
  const verifier = 'a'.repeat(50);
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const codes = [];
  for (let count = 0; count < 2; count += 1) {
    const url = authorizeUrl({ code_challenge: challenge, code_challenge_method: 'S256', login: 'ada', auto: '1' });
    const granted = await fetch(url, { redirect: 'manual' });
    codes.push(new URL(granted.headers.get('location') ?? '').searchParams.get('code') ?? '');
  }
  const [first = '', second = ''] = codes;

  expect(await exchange({ code: first, code_verifier: 'wrong' })).toMatchObject({ error: 'bad_verification_code' });
  expect(await exchange({ code: first, code_verifier: verifier })).toMatchObject({ error: 'bad_verification_code' });
  expect(await exchange({ code: second, code_verifier: verifier })).toHaveProperty('access_token');
  expect(await exchange({ code: second, code_verifier: verifier })).toMatchObject({ error: 'bad_verification_code' });
});

test('a foreign redirect address, an unknown app and a wrong secret are refused', async () => {
  expect((await fetch(authorizeUrl({ redirect_uri: 'http://evil.example/callback' }))).status).toBe(400);
  expect((await fetch(authorizeUrl({ client_id: 'other' }))).status).toBe(404);
  expect(await exchange({ client_secret: 'wrong', code: 'x' })).toMatchObject({ error: 'incorrect_client_credentials' });
});
