import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deliveriesIn, sign, startTestGateway, type TestGateway } from '../testing/gateway.ts';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway({ CODEXK8S_WEBHOOK_MAX_BODY_BYTES: '2000' });
});
afterEach(() => gateway[Symbol.asyncDispose]());

/** What reached the control plane, with the bodies as text. */
function forwarded() {
  const asked = gateway.controlPlane.asked.filter(({ path }) => path === '/internal/v1/events/github');
  return asked.flatMap(({ bytes }) => deliveriesIn(bytes)).map((delivery) => ({ ...delivery, body: delivery.body.toString() }));
}

test('a signed delivery reaches the control plane byte for byte, and its decision is the answer', async () => {
  const body = '{ "zen" :  "Spaces matter." }\n';

  const answer = await gateway.deliver({ body, event: 'nobody_knows_this' });

  expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'ignored', reason: 'unknown_event' }]);
  expect(forwarded()).toEqual([
    {
      body,
      size: body.length,
      event: 'nobody_knows_this',
      delivery_id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      body_sha256: createHash('sha256').update(body).digest('hex'),
    },
  ]);
});

test('of many deliveries at once each gets its own answer', async () => {
  const ids = Array.from({ length: 30 }, (_, n) => `delivery-${n}`);
  for (const id of ids) gateway.decisions.set(id, { status: 202, body: { status: 'ignored', reason: `of ${id}` } });
  gateway.decisions.set('delivery-7', { status: 400, body: { code: 'request.malformed', message: 'no' } });

  const answers = await Promise.all(ids.map((id) => gateway.deliver({ headers: { 'x-github-delivery': id } })));

  expect(answers.map((answer) => [answer.statusCode, answer.json().reason ?? answer.json().code])).toEqual(
    ids.map((id) => (id === 'delivery-7' ? [400, 'request.malformed'] : [202, `of ${id}`])),
  );
  expect(gateway.controlPlane.asked.length).toBeLessThan(10);
});

test.each([
  ['no signature', { 'x-hub-signature-256': undefined }],
  ['a wrong one', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }],
  ['that of another body', { 'x-hub-signature-256': sign('{}') }],
  ['the old kind only', { 'x-hub-signature-256': undefined, 'x-hub-signature': 'sha1=0000000000000000000000000000000000000000' }],
])('a delivery with %s is refused and goes no further', async (_, headers) => {
  const answer = await gateway.deliver({ headers });

  expect([answer.statusCode, answer.json().code]).toEqual([401, 'webhook.signature_invalid']);
  expect(forwarded()).toEqual([]);
});

test.each([
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'request.malformed'],
  ['text', { 'content-type': 'text/plain' }, 'request.malformed'],
  ['no event name', { 'x-github-event': undefined }, 'request.invalid'],
  ['an event name that is none', { 'x-github-event': '../etc' }, 'request.invalid'],
  ['no delivery id', { 'x-github-delivery': undefined }, 'request.invalid'],
  ['a delivery id with a space in it', { 'x-github-delivery': 'a b' }, 'request.invalid'],
])('a delivery with %s is refused', async (_, headers, code) => {
  const answer = await gateway.deliver({ headers });

  expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
  expect(forwarded()).toEqual([]);
});

test('what the control plane says of a body that is no event is the answer', async () => {
  gateway.decisions.set('72d3162e-cc78-11e3-81ab-4c9367dc0958', { status: 400, body: { code: 'request.malformed', message: 'no' } });

  const answer = await gateway.deliver({ body: '{"a":' });

  expect([answer.statusCode, answer.json().code]).toEqual([400, 'request.malformed']);
});

test('a body over the limit is refused, whether or not it says its length', async () => {
  const body = `"${'x'.repeat(3_000)}"`;

  const plain = await gateway.deliver({ body });
  const chunked = await gateway.deliver({ body, headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' } });

  expect([plain, chunked].map(({ statusCode, json }) => [statusCode, json().code])).toEqual(
    Array.from({ length: 2 }, () => [413, 'request.too_large']),
  );
  expect(forwarded()).toEqual([]);
});

test('the limit is that of GitHub unless it is set', async () => {
  await using usual = await startTestGateway();

  expect(usual.config.webhookMaxBytes).toBe(25 * 1024 * 1024);
  expect((await usual.deliver({ body: JSON.stringify('x'.repeat(2 * 1024 * 1024)) })).statusCode).toBe(202);
});

test('a control plane that is away is a 503 with its code, so that GitHub shows the failure and we ask again', async () => {
  await gateway.controlPlane[Symbol.asyncDispose]();

  const answer = await gateway.deliver();

  expect([answer.statusCode, answer.json()]).toEqual([
    503,
    { code: 'service.unavailable', message: expect.any(String), remedy: expect.any(String), correlation_id: expect.any(String) },
  ]);
});

test('the log of a delivery carries its id, and never the secret or the token', async () => {
  await gateway.deliver({ headers: { 'x-hub-signature-256': undefined } });

  expect(gateway.lines.map((line) => (JSON.parse(line) as { correlationId?: string }).correlationId)).toEqual([
    '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  ]);
  expect(gateway.lines.join('')).not.toMatch(/secret of a test|internal-token/);
});

test('every delivery is counted by what became of it', async () => {
  await gateway.deliver();
  await gateway.deliver({ headers: { 'x-hub-signature-256': 'sha256=00' } });
  await gateway.controlPlane[Symbol.asyncDispose]();
  await gateway.deliver();
  await gateway.deliver({ headers: { 'x-github-delivery': undefined } });

  const counted = [...(await gateway.metrics.render()).matchAll(/^codexk8s_webhook_requests_total\{event="ping",result="(\w+)".*\} 1$/gm)];
  expect(counted.map(([, result]) => result)).toEqual(['accepted', 'signature_invalid', 'unavailable', 'malformed']);
});
