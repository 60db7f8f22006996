import { SignJWT, UnsecuredJWT } from 'jose';
import { signToken } from '@codex-k8s/http';
import type { LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { owner, publicUrl, startTestGateway, type TestGateway } from '../testing/gateway.ts';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

const stateCookie = 'codexk8s_oauth_state';
const sessionCookie = 'codexk8s_staff_jwt';

function cookieNamed(answer: LightMyRequestResponse, name: string) {
  return answer.cookies.find((cookie) => cookie.name === name);
}

/** A browser that was sent to GitHub. */
async function begin(query = '') {
  const answer = await gateway.app.inject(`/api/v1/auth/github/login${query}`);
  const target = new URL(String(answer.headers.location));
  gateway.github.challenge = target.searchParams.get('code_challenge') ?? '';
  return { answer, target, state: target.searchParams.get('state') ?? '', cookie: cookieNamed(answer, stateCookie)?.value ?? '' };
}

/** GitHub sends the browser back. */
function comeBack({ state, cookie, code = 'the-code' }: { state: string; cookie: string | undefined; code?: string }) {
  return gateway.app.inject({
    url: `/api/v1/auth/github/callback?${new URLSearchParams({ code, state }).toString()}`,
    headers: cookie === undefined ? {} : { cookie: `${stateCookie}=${cookie}` },
  });
}

function tokenRequests() {
  return gateway.github.asked.filter(({ path }) => path === '/login/oauth/access_token');
}

test('signing in leads to GitHub with a state and a challenge that only this browser can answer', async () => {
  const { answer, target } = await begin();

  expect(answer.statusCode).toBe(302);
  expect(Object.fromEntries(target.searchParams)).toMatchObject({
    client_id: 'client',
    redirect_uri: `${publicUrl}/api/v1/auth/github/callback`,
    scope: 'read:user user:email',
    code_challenge_method: 'S256',
    state: expect.stringMatching(/^[\w-]{20,}$/),
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
  });
  expect(cookieNamed(answer, stateCookie)).toMatchObject({
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
    maxAge: 300,
    path: '/api/v1/auth/github/callback',
  });
});

test('who comes back with the right state and code is signed in', async () => {
  const { state, cookie } = await begin('?return_to=/runs/1%3Fx=2');

  const answer = await comeBack({ state, cookie });

  expect([answer.statusCode, answer.headers.location]).toEqual([302, '/runs/1?x=2']);
  expect(cookieNamed(answer, sessionCookie)).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' });
  expect(cookieNamed(answer, stateCookie)).toMatchObject({ value: '' });
  expect(gateway.controlPlane.asked.find(({ path }) => path === '/internal/v1/auth/github')?.body).toBe(
    JSON.stringify({ email: owner.email, github_user_id: 4711, github_login: 'demo-owner' }),
  );
  const me = await gateway.app.inject({
    url: '/api/v1/auth/me',
    headers: { cookie: `${sessionCookie}=${cookieNamed(answer, sessionCookie)?.value}` },
  });
  expect([me.statusCode, me.json()]).toEqual([200, owner]);
});

test('cookies are not secure where there is no HTTPS', async () => {
  await gateway[Symbol.asyncDispose]();
  gateway = await startTestGateway({ CODEXK8S_COOKIE_SECURE: 'false' });
  const { state, cookie, answer } = await begin();

  const signedIn = await comeBack({ state, cookie });

  expect([cookieNamed(answer, stateCookie), cookieNamed(signedIn, sessionCookie)].map((set) => [set?.httpOnly, set?.secure])).toEqual([
    [true, undefined],
    [true, undefined],
  ]);
  expect(signedIn.headers['strict-transport-security']).toBeUndefined();
});

test.each([
  ['with another state', async () => ({ ...(await begin()), state: 'of-somebody-else' })],
  ['in another browser', async () => ({ ...(await begin()), cookie: undefined })],
  ['with a cookie that is none', async () => ({ ...(await begin()), cookie: 'nonsense' })],
  ['with the cookie of another attempt', async () => ({ ...(await begin()), cookie: (await begin()).cookie })],
])('who comes back %s is not signed in, and GitHub is not asked', async (_, attempt) => {
  const answer = await comeBack(await attempt());

  expect([answer.statusCode, answer.json().code]).toEqual([401, 'auth.oauth_failed']);
  expect(cookieNamed(answer, sessionCookie)).toBeUndefined();
  expect(tokenRequests()).toEqual([]);
});

test('who comes back after more than five minutes is not signed in', async () => {
  const key = new TextEncoder().encode(gateway.config.jwtKey);
  const claims = { state: 's', code_verifier: 'v'.repeat(43), return_to: '/' };

  const late = await comeBack({ state: 's', cookie: await signToken(key, { issuer: 'codex-k8s/oauth-state', ttlSec: -1, claims }) });

  expect([late.statusCode, late.json().code]).toEqual([401, 'auth.oauth_failed']);
  expect(tokenRequests()).toEqual([]);
});

test('a session is no sign-in attempt, and a sign-in attempt no session', async () => {
  const session = (await gateway.cookieOf()).split('=')[1] ?? '';
  const { cookie } = await begin();

  const asAttempt = await comeBack({ state: 'undefined', cookie: session });
  const asSession = await gateway.app.inject({ url: '/api/v1/auth/me', headers: { cookie: `${sessionCookie}=${cookie}` } });

  expect([asAttempt.json().code, asSession.json().code]).toEqual(['auth.oauth_failed', 'auth.unauthorized']);
});

test('a stolen code is worth nothing without the verifier', async () => {
  const { state, cookie } = await begin();
  gateway.github.challenge = 'the challenge of the victim';

  const answer = await comeBack({ state, cookie });

  expect([answer.statusCode, answer.json().code]).toEqual([401, 'auth.oauth_failed']);
  expect(new URLSearchParams(tokenRequests()[0]?.body).get('code_verifier')).toMatch(/^[\w-]{43,}$/);
});

test('a person who says no at GitHub gets an answer, not a defect', async () => {
  const { state, cookie } = await begin();

  const answer = await gateway.app.inject({
    url: `/api/v1/auth/github/callback?error=access_denied&error_description=The+user+has+denied&state=${state}`,
    headers: { cookie: `${stateCookie}=${cookie}` },
  });

  expect([answer.statusCode, answer.json().code]).toEqual([401, 'auth.oauth_failed']);
});

test.each([
  ['is not verified', [{ email: owner.email, primary: true, verified: false }]],
  ['is not the primary one', [{ email: owner.email, primary: false, verified: true }]],
  ['is missing', []],
  [
    'is verified, but another is primary',
    [
      { email: 'other@demo.example', primary: true, verified: false },
      { email: owner.email, primary: false, verified: true },
    ],
  ],
])('an e-mail that %s does not count', async (_, emails) => {
  gateway.github.emails = emails;
  const { state, cookie } = await begin();

  const answer = await comeBack({ state, cookie });

  expect([answer.statusCode, answer.json().code]).toEqual([403, 'auth.email_not_allowed']);
  expect(gateway.controlPlane.asked).toEqual([]);
});

test('who is not on the list is refused (FR-018)', async () => {
  gateway.answers.set('/internal/v1/auth/github', { status: 403, body: { code: 'auth.email_not_allowed', message: 'Ask an admin.' } });
  const { state, cookie } = await begin();

  const answer = await comeBack({ state, cookie });

  expect([answer.statusCode, answer.json()]).toMatchObject([403, { code: 'auth.email_not_allowed', message: 'Ask an admin.' }]);
  expect(cookieNamed(answer, sessionCookie)).toBeUndefined();
});

test('a control plane that is away is said so to who signs in', async () => {
  const { state, cookie } = await begin();
  await gateway.controlPlane[Symbol.asyncDispose]();

  const answer = await comeBack({ state, cookie });

  expect([answer.statusCode, answer.json().code]).toEqual([503, 'service.unavailable']);
});

test.each(['https://evil.example/', '//evil.example/', '/\\evil.example/', '/\t/evil.example', 'runs', ''])(
  'nobody is sent anywhere but into the console: %j',
  async (target) => {
    const answer = await gateway.app.inject({ url: '/api/v1/auth/github/login', query: { return_to: target } });

    expect([answer.statusCode, answer.json().code]).toEqual([400, 'request.invalid']);
  },
);

const encode = (text: string) => new TextEncoder().encode(text);
const claims = { sub: owner.id, auth_time: Math.floor(Date.now() / 1000) };

test.each<[string, () => Promise<string> | string]>([
  ['has expired', () => signToken(encode(gateway.config.jwtKey), { issuer: 'codex-k8s', ttlSec: -1, claims })],
  ['was signed with another key', () => signToken(encode('k'.repeat(40)), { issuer: 'codex-k8s', ttlSec: 60, claims })],
  ['is of another issuer', () => signToken(encode(gateway.config.jwtKey), { issuer: 'codex-k8s/control-plane/mcp', ttlSec: 60, claims })],
  ['is not signed', () => new UnsecuredJWT(claims).setIssuer('codex-k8s').setExpirationTime('1h').encode()],
  [
    'is signed by another algorithm',
    () =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS512' })
        .setIssuer('codex-k8s')
        .setExpirationTime('1h')
        .sign(encode(gateway.config.jwtKey.repeat(2))),
  ],
  [
    'was changed',
    async () => {
      const [head, , tail] = (await signToken(encode(gateway.config.jwtKey), { issuer: 'codex-k8s', ttlSec: 60, claims })).split('.');
      const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody-else', iss: 'codex-k8s', exp: 9_999_999_999 }));
      return `${head}.${forged.toString('base64url')}.${tail}`;
    },
  ],
  ['is no token', () => 'x'],
])('a session that %s opens nothing, as cookie and as bearer', async (_, make) => {
  const token = await make();

  const answers = [
    await gateway.app.inject({ url: '/api/v1/auth/me', headers: { cookie: `${sessionCookie}=${token}` } }),
    await gateway.app.inject({ url: '/api/v1/auth/me', headers: { authorization: `Bearer ${token}` } }),
    await gateway.app.inject({ url: '/api/v1/staff/runs', headers: { cookie: `${sessionCookie}=${token}` } }),
    await gateway.app.inject({ url: '/api/v1/staff/runs', headers: { authorization: `Bearer ${token}` } }),
  ];

  expect(answers.map(({ statusCode, json }) => [statusCode, json().code])).toEqual(
    Array.from({ length: 4 }, () => [401, 'auth.unauthorized']),
  );
  expect(gateway.controlPlane.asked).toEqual([]);
});

test('nobody is signed in without a session', async () => {
  const answers = [await gateway.app.inject('/api/v1/auth/me'), await gateway.app.inject('/api/v1/staff/runs')];

  expect(answers.map(({ statusCode, json }) => [statusCode, json().code])).toEqual([
    [401, 'auth.unauthorized'],
    [401, 'auth.unauthorized'],
  ]);
});

test('a session whose access was withdrawn is nobody', async () => {
  gateway.answers.set(`/internal/v1/auth/users/${owner.id}`, { status: 404, body: { code: 'user.not_found', message: 'no' } });

  const answer = await gateway.app.inject({ url: '/api/v1/auth/me', headers: { cookie: await gateway.cookieOf() } });

  expect([answer.statusCode, answer.json().code]).toEqual([401, 'auth.unauthorized']);
});

test('signing out clears the cookie', async () => {
  const answer = await gateway.app.inject({
    method: 'POST',
    url: '/api/v1/auth/logout',
    headers: { cookie: await gateway.cookieOf(), origin: publicUrl },
  });

  expect([answer.statusCode, cookieNamed(answer, sessionCookie)]).toMatchObject([204, { value: '', httpOnly: true, secure: true }]);
});
