import { request as httpRequest } from 'node:http';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createLogger } from '@codex-k8s/runtime';
import type { LightMyRequestResponse } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { startGateway } from './service.ts';
import { publicUrl, startTestGateway, type TestGateway } from './testing/gateway.ts';

const stack: (() => PromiseLike<void> | void)[] = [];
afterEach(async () => {
  for (const close of stack.splice(0)) await close();
});

async function aGateway(env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway(env);
  stack.push(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

function aConsole(): string {
  const folder = mkdtempSync(join(tmpdir(), 'console-'));
  stack.push(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<title>console</title>');
  writeFileSync(join(folder, 'assets', 'main-1a2b.js'), 'start()');
  return folder;
}

/** A request whose path nobody tidies up on the way. */
async function raw(gateway: TestGateway, path: string, headers: Readonly<Record<string, string>> = {}) {
  if (!gateway.app.server.listening) await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = gateway.app.server.address() as AddressInfo; // it listens on a port
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path, headers }, resolve).on('error', reject).end();
  });
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

test('every kind of answer forbids framing, foreign scripts and guessing of types', async () => {
  const gateway = await aGateway({ CODEXK8S_CONSOLE_DIR: aConsole(), CODEXK8S_WEBHOOK_RATE_PER_MINUTE: '1' });
  const cookie = await gateway.cookieOf();
  const answers: Record<string, LightMyRequestResponse> = {
    page: await gateway.app.inject('/runs/1'),
    asset: await gateway.app.inject('/assets/main-1a2b.js'),
    'lost asset': await gateway.app.inject('/assets/old-9999.js'),
    document: await gateway.app.inject('/api/v1/openapi.json'),
    health: await gateway.app.inject('/healthz'),
    'nothing there': await gateway.app.inject({ method: 'POST', url: '/nowhere' }),
    redirect: await gateway.app.inject('/api/v1/auth/github/login'),
    'not signed in': await gateway.app.inject('/api/v1/staff/runs'),
    'passed on': await gateway.app.inject({ url: '/api/v1/staff/runs', headers: { cookie } }),
    'wrong origin': await gateway.app.inject({
      method: 'POST',
      url: '/api/v1/staff/runs',
      headers: { cookie, origin: 'https://evil.example' },
    }),
    'wrong signature': await gateway.deliver({ headers: { 'x-hub-signature-256': 'sha256=00' } }),
    'too often': await gateway.deliver(),
  };

  const lacking = Object.entries(answers).flatMap(([name, { headers }]) => {
    const policy = String(headers['content-security-policy']);
    const isSafe =
      policy.includes("frame-ancestors 'none'") &&
      policy.includes("script-src 'self'") &&
      !/script-src[^;]*unsafe/.test(policy) &&
      headers['x-content-type-options'] === 'nosniff' &&
      /max-age=\d{7,}/.test(String(headers['strict-transport-security']));
    return isSafe ? [] : [name];
  });
  expect(lacking).toEqual([]);
  expect(Object.values(answers).map(({ statusCode }) => statusCode)).toEqual([200, 200, 404, 200, 200, 404, 302, 401, 200, 403, 401, 429]);
});

test.each(['/%zz', '/api/v1/staff/%E0%A4%A', `/${'a'.repeat(100)}/%`])(
  'an address that cannot be read is a refusal of ours: %s',
  async (path) => {
    const gateway = await aGateway();

    const { status, body } = await raw(gateway, path);

    expect([status, JSON.parse(body)]).toMatchObject([400, { code: 'request.invalid', correlation_id: expect.any(String) }]);
  },
);

test.each([
  '/api/v1/staff/../../../internal/v1/events/github',
  '/api/v1/staff/%2e%2e/%2e%2e/%2e%2e/readyz',
  '/api/v1/staff/..%2f..%2f..%2fmcp',
  '/api/v1/staff/x/..;/..;/..;/mcp',
  '/api/v1/staff/\\..\\..\\..\\mcp',
  '//api/v1/staff/runs',
])('a path that leads out of the staff API reaches nothing else: %s', async (path) => {
  const gateway = await aGateway();

  await raw(gateway, path, { cookie: await gateway.cookieOf() });

  expect(gateway.controlPlane.asked.filter((asked) => !asked.path.startsWith('/api/v1/staff/'))).toEqual([]);
});

test('more than the allowed calls of a minute are refused with the time to wait', async () => {
  const gateway = await aGateway({ CODEXK8S_API_RATE_PER_MINUTE: '2', CODEXK8S_WEBHOOK_RATE_PER_MINUTE: '2' });
  const headers = { authorization: (await gateway.cookieOf()).replace(/^.*=/, 'Bearer ') };
  const calls: Record<string, () => Promise<LightMyRequestResponse>> = {
    'the staff API': () => gateway.app.inject({ url: '/api/v1/staff/runs', headers }),
    'signing in': () => gateway.app.inject('/api/v1/auth/github/login'),
    'coming back': () => gateway.app.inject('/api/v1/auth/github/callback?code=x&state=y'),
    'asking who one is': () => gateway.app.inject({ url: '/api/v1/auth/me', headers }),
    deliveries: () => gateway.deliver(),
  };

  for (const [name, call] of Object.entries(calls)) {
    const [first, second, third] = [await call(), await call(), await call()];

    expect([name, first.statusCode === 429, second.statusCode === 429, third.statusCode]).toEqual([name, false, false, 429]);
    expect(third.json()).toMatchObject({ code: 'request.rate_limited', remedy: expect.stringContaining('Retry-After') });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
  }
});

test('calls are counted per connection, whatever a stranger says of the way they took', async () => {
  const gateway = await aGateway({ CODEXK8S_WEBHOOK_RATE_PER_MINUTE: '1' });
  const call = (remoteAddress: string, forwarded: string) => gateway.deliver({ remoteAddress, headers: { 'x-forwarded-for': forwarded } });

  const answers = [
    await call('203.0.113.7', '198.51.100.1'),
    await call('203.0.113.7', '198.51.100.2'),
    await call('203.0.113.8', '198.51.100.2'),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 429, 202]);
});

test('behind a trusted proxy the address it names counts, and what stands before that does not', async () => {
  const gateway = await aGateway({ CODEXK8S_WEBHOOK_RATE_PER_MINUTE: '1', CODEXK8S_TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8' });
  const call = (remoteAddress: string, forwarded: string) => gateway.deliver({ remoteAddress, headers: { 'x-forwarded-for': forwarded } });

  const answers = {
    first: await call('10.1.2.3', '198.51.100.1'),
    'another client of the same proxy': await call('10.1.2.3', '198.51.100.2'),
    'the first one through another proxy': await call('fd00::7', '198.51.100.1'),
    'the first one with an invented way': await call('10.1.2.3', '192.0.2.99, 198.51.100.1'),
    'a stranger who claims to be a proxy': await call('203.0.113.7', '198.51.100.3'),
    'the same stranger with another story': await call('203.0.113.7', '198.51.100.4'),
  };

  expect(Object.values(answers).map(({ statusCode }) => statusCode)).toEqual([202, 202, 429, 429, 202, 429]);
});

test.each(['1', 'everybody', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0/8', '::/x'])(
  'what is no address is no trusted proxy: %s',
  async (text) => {
    await expect(startTestGateway({ CODEXK8S_TRUSTED_PROXIES: text })).rejects.toThrow(
      expect.objectContaining({ code: 'config.invalid', message: expect.stringContaining('CODEXK8S_TRUSTED_PROXIES') }),
    );
  },
);

test('it is alive without the control plane, but not ready', async () => {
  const [ready, alone] = [await aGateway(), await aGateway()];
  await alone.controlPlane[Symbol.asyncDispose]();

  const status = async ({ app }: TestGateway, path: string) => (await app.inject(path)).statusCode;

  expect([await status(ready, '/healthz'), await status(ready, '/readyz')]).toEqual([200, 200]);
  expect([await status(alone, '/healthz'), await status(alone, '/readyz')]).toEqual([200, 503]);
});

test('whoever asks often whether it is ready asks the control plane once a second', async () => {
  const gateway = await aGateway();

  await Promise.all(Array.from({ length: 20 }, () => gateway.app.inject('/readyz')));

  expect(gateway.controlPlane.asked.filter(({ path }) => path === '/readyz').length).toBeLessThanOrEqual(2);
});

test('metrics are on a port of their own and nowhere else', async () => {
  const { config, app } = await aGateway();
  const lines: string[] = [];
  const log = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  await using gateway = await startGateway({ config: { ...config, host: '127.0.0.1', port: 0, metricsPort: 0 }, log });
  const metricsPort = /"metricsPort":(\d+)/.exec(lines.join(''))?.[1];

  const scraped = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);

  expect([scraped.status, scraped.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(await scraped.text()).toContain('codexk8s_http_request_seconds');
  expect((await fetch(`${gateway.url}/metrics`)).headers.get('content-type')).not.toContain('version=0.0.4');
  expect((await app.inject('/metrics')).statusCode).toBe(404);
});

test('a page of another origin may read nothing', async () => {
  const gateway = await aGateway();

  const preflight = await gateway.app.inject({
    method: 'OPTIONS',
    url: '/api/v1/staff/runs',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
  });
  const read = await gateway.app.inject({ url: '/api/v1/staff/runs', headers: { cookie: await gateway.cookieOf(), origin: publicUrl } });

  expect([preflight, read].map(({ headers }) => headers['access-control-allow-origin'])).toEqual([undefined, undefined]);
});
