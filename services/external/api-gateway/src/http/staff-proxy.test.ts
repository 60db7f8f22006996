import { afterEach, beforeEach, expect, test } from 'vitest';
import { owner, publicUrl, startTestGateway, type TestGateway } from '../testing/gateway.ts';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

const sessionCookie = 'codexk8s_staff_jwt';

function passedOn() {
  return gateway.controlPlane.asked.filter(({ path }) => path.startsWith('/api/v1/staff'));
}

test('a call passes with the cookie turned into a bearer token', async () => {
  const cookie = await gateway.cookieOf();

  const answer = await gateway.app.inject({
    method: 'POST',
    url: '/api/v1/staff/runs/1/cancel?x=1',
    headers: { cookie, origin: publicUrl, 'content-type': 'application/json' },
    payload: '{ "reason": "x" }',
  });

  expect([answer.statusCode, answer.json()]).toEqual([200, { path: '/api/v1/staff/runs/1/cancel?x=1' }]);
  const [passed] = passedOn();
  expect(passed).toMatchObject({
    method: 'POST',
    body: '{ "reason": "x" }',
    headers: {
      authorization: `Bearer ${cookie.split('=')[1]}`,
      'content-type': 'application/json',
      'x-correlation-id': answer.headers['x-correlation-id'],
    },
  });
  expect(passed?.headers.cookie).toBeUndefined();
});

test("the control plane's refusals and their status pass as they are", async () => {
  gateway.answers.set('/api/v1/staff/runs/1', { status: 404, body: { code: 'run.not_found', message: 'no' } });

  const answer = await gateway.app.inject({ url: '/api/v1/staff/runs/1', headers: { cookie: await gateway.cookieOf() } });

  expect([answer.statusCode, answer.json()]).toEqual([404, { code: 'run.not_found', message: 'no' }]);
});

test('a control plane that is away is a 503 with its code', async () => {
  const cookie = await gateway.cookieOf();
  await gateway.controlPlane[Symbol.asyncDispose]();

  const answer = await gateway.app.inject({ url: '/api/v1/staff/runs', headers: { cookie } });

  expect([answer.statusCode, answer.json().code]).toEqual([503, 'service.unavailable']);
});

test('a session in its second half is renewed, and keeps the time of its sign-in', async () => {
  const answer = await gateway.app.inject({ url: '/api/v1/staff/runs', headers: { cookie: await gateway.cookieOf({ ttlSec: 100 }) } });

  const renewed = answer.cookies.find(({ name }) => name === sessionCookie);
  expect(renewed).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax' });
});

test.each([
  ['a young session', {}, {}],
  ['a session older than the longest one', { ttlSec: 100, agoSec: 13 * 3_600 }, {}],
  ['a session whose access was withdrawn', { ttlSec: 100 }, { status: 404, body: { code: 'user.not_found', message: 'no' } }],
])('%s is not renewed', async (_, session, user) => {
  if ('status' in user) gateway.answers.set(`/internal/v1/auth/users/${owner.id}`, user);

  const answer = await gateway.app.inject({ url: '/api/v1/staff/runs', headers: { cookie: await gateway.cookieOf(session) } });

  expect(answer.cookies).toEqual([]);
});

test.each<[string, Record<string, string>]>([
  ['no origin at all', {}],
  ['another origin', { origin: 'https://evil.example' }],
  ['an origin that begins like ours', { origin: `${publicUrl}.evil.example` }],
  ['an opaque origin', { origin: 'null' }],
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['another host of our site', { 'sec-fetch-site': 'same-site' }],
  ['a header that only looks like a bearer token', { authorization: 'Basic dXNlcjpwYXNz' }],
])('a change with the cookie from %s is refused', async (_, headers) => {
  const cookie = await gateway.cookieOf();

  const answers = await Promise.all(
    (['POST', 'PUT', 'PATCH', 'DELETE'] as const).map((method) =>
      gateway.app.inject({ method, url: '/api/v1/staff/projects', headers: { cookie, ...headers } }),
    ),
  );
  const logout = await gateway.app.inject({ method: 'POST', url: '/api/v1/auth/logout', headers: { cookie, ...headers } });

  expect(new Set([...answers, logout].map(({ statusCode, json }) => `${statusCode} ${json().code}`))).toEqual(
    new Set(['403 auth.csrf_rejected']),
  );
  expect(passedOn()).toEqual([]);
});

test('a change from our own pages, a read, and a bearer token need no more', async () => {
  const cookie = await gateway.cookieOf();
  const call = (method: 'GET' | 'POST', headers: Record<string, string>) =>
    gateway.app.inject({ method, url: '/api/v1/staff/projects', headers });

  const answers = [
    await call('POST', { cookie, origin: publicUrl }),
    await call('POST', { cookie, 'sec-fetch-site': 'same-origin' }),
    await call('GET', { cookie, origin: 'https://evil.example' }),
    await call('POST', { authorization: `Bearer ${cookie.split('=')[1]}`, origin: 'https://evil.example' }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
});
