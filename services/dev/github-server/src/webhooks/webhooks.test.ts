import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pushBranch, startReceiver, startTestServer, type Received, type TestServer } from '../test-support.ts';

const secret = 'hook-secret';
let github: TestServer;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
const answer = { status: 200 };

beforeAll(async () => {
  github = await startTestServer();
  receiver = await startReceiver(() => answer.status);
  const config = { url: receiver.url, secret, content_type: 'json' };
  await github.api('POST', '/hooks', { config, events: ['*'] });
});

afterAll(async () => {
  await github[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

/** The webhooks that an act causes, as `event` or `event.action`. */
async function caused(act: () => Promise<unknown>): Promise<string[]> {
  await github.server.deliveries.idle();
  const before = receiver.received.length;
  await act();
  await github.server.deliveries.idle();
  return receiver.received.slice(before).map(nameOf);
}

function nameOf({ headers, body }: (typeof receiver.received)[number]): string {
  return [headers['x-github-event'], body.action].filter(Boolean).join('.');
}

describe('each act tells what GitHub tells', () => {
  test('issues and comments', async () => {
    expect(await caused(() => github.api('POST', '/issues', { title: 'Second', labels: ['run:dev'] }))).toEqual([
      'issues.opened',
      'issues.labeled',
    ]);
    expect(await caused(() => github.api('PATCH', '/issues/2', { title: 'Renamed', body: 'b' }))).toEqual(['issues.edited']);
    expect(await caused(() => github.api('DELETE', '/issues/2/labels/run:dev'))).toEqual(['issues.unlabeled']);
    expect(await caused(() => github.api('PATCH', '/issues/2', { state: 'closed' }))).toEqual(['issues.closed']);
    expect(await caused(() => github.api('PATCH', '/issues/2', { state: 'open' }))).toEqual(['issues.reopened']);
    expect(await caused(() => github.api('POST', '/issues/2/comments', { body: 'hello' }))).toEqual(['issue_comment.created']);
    expect(await caused(() => github.api('PATCH', '/issues/comments/1', { body: 'bye' }))).toEqual(['issue_comment.edited']);
    expect(await caused(() => github.api('DELETE', '/issues/comments/1'))).toEqual(['issue_comment.deleted']);
  });

  test('a label that is there already says nothing', async () => {
    await github.api('POST', '/issues/2/labels', { labels: ['run:dev'] });

    expect(await caused(() => github.api('POST', '/issues/2/labels', { labels: ['run:dev'] }))).toEqual([]);
  });

  test('pushes, pull requests and reviews', async () => {
    expect(await caused(() => pushBranch(github, 'feat/one'))).toEqual(['create', 'push']);
    const draft = { title: 'One', head: 'feat/one', base: 'main' };
    expect(await caused(() => github.api('POST', '/pulls', draft, { login: 'codex-bot' }))).toEqual(['pull_request.opened']);
    expect(await caused(() => github.api('POST', '/issues/3/labels', ['run:dev']))).toEqual(['pull_request.labeled']);
    expect(await caused(() => github.api('DELETE', '/issues/3/labels/run:dev'))).toEqual(['pull_request.unlabeled']);
    expect(await caused(() => github.api('PATCH', '/pulls/3', { title: 'Uno' }))).toEqual(['pull_request.edited']);
    const push = 'git clone -qb feat/one "$REMOTE" . && git commit -q --allow-empty -m more && git push -q';
    expect(await caused(() => github.shell(push, 'codex-bot'))).toEqual(['push', 'pull_request.synchronize']);
    const comments = [{ path: 'feat-one.txt', line: 1, body: 'hm' }];
    const review = { event: 'REQUEST_CHANGES', body: 'no', comments };
    expect(await caused(() => github.api('POST', '/pulls/3/reviews', review))).toEqual([
      'pull_request_review.submitted',
      'pull_request_review_comment.created',
    ]);
    expect(await caused(() => github.api('PUT', '/pulls/3/reviews/1/dismissals', { message: 'ok' }))).toEqual([
      'pull_request_review.dismissed',
    ]);
    expect(await caused(() => github.api('PATCH', '/pulls/3', { state: 'closed' }))).toEqual(['pull_request.closed']);
    expect(await caused(() => github.api('PATCH', '/pulls/3', { state: 'open' }))).toEqual(['pull_request.reopened']);
    expect(await caused(() => github.api('PUT', '/pulls/3/merge', { merge_method: 'merge' }))).toEqual(['pull_request.closed', 'push']);
    expect(await caused(() => github.api('DELETE', '/git/refs/heads/feat/one'))).toEqual(['delete', 'push']);
  });

  test('statuses and check runs', async () => {
    const head = (await github.api('GET', '/git/ref/heads/main')).body.object.sha;
    expect(await caused(() => github.api('POST', `/statuses/${head}`, { state: 'success', context: 'ci' }))).toEqual(['status']);
    expect(await caused(() => github.api('POST', '/check-runs', { name: 'lint', head_sha: head }))).toEqual(['check_run.created']);
    const done = { conclusion: 'success', output: { title: 'Fine', summary: 'ok' } };
    expect(await caused(() => github.api('PATCH', '/check-runs/1', done))).toEqual(['check_run.completed']);
  });
});

test('every payload matches the schemas GitHub publishes', async () => {
  const path = createRequire(import.meta.url).resolve('@octokit/webhooks-schemas');
  const schema = JSON.parse(await readFile(path.replace(/index[.]\w+$/, 'schema.json'), 'utf8')) as { definitions: Record<string, object> };
  const ajv = new Ajv({ strict: false, inlineRefs: false, validateSchema: false });
  addFormats.default(ajv);
  ajv.addSchema(schema, 'github');

  const problems = receiver.received.flatMap((delivery) => {
    const { body, headers } = delivery;
    const event = String(headers['x-github-event']);
    const name = body.action ? `${event}$${body.action}` : `${event}$event`;
    const validate = ajv.getSchema(`github#/definitions/${encodeURIComponent(name)}`);
    if (!validate) return [`${name}: no schema`];
    return validate(body) ? [] : [`${name}: ${ajv.errorsText(validate.errors)}`];
  });

  expect(problems).toEqual([]);
  expect(new Set(receiver.received.map(nameOf)).size).toBeGreaterThan(20);
});

const noDelivery: Pick<Received, 'headers' | 'raw'> = { headers: {}, raw: '' };

describe('deliveries', () => {
  test('a delivery is signed over its exact bytes and named by its headers', async () => {
    await caused(() => github.api('POST', '/hooks/1/pings'));
    const { headers, raw } = receiver.received.at(-1) ?? noDelivery;

    expect(headers['x-hub-signature-256']).toBe(`sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-github-event': 'ping', 'x-github-hook-id': '1' });
    expect(headers['user-agent']).toMatch(/^GitHub-Hookshot\//);
    expect(headers['x-github-delivery']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a failed delivery is recorded, not repeated, and redelivered under its own guid', async () => {
    answer.status = 503;
    expect(await caused(() => github.api('POST', '/hooks/1/pings'))).toEqual(['ping']);
    answer.status = 200;
    const [failed] = (await github.api('GET', '/hooks/1/deliveries')).body;
    expect(failed).toMatchObject({ event: 'ping', status_code: 503, redelivery: false });

    expect(await caused(() => github.api('POST', `/hooks/1/deliveries/${failed.id}/attempts`))).toEqual(['ping']);
    const [again] = (await github.api('GET', '/hooks/1/deliveries')).body;

    expect(again).toMatchObject({ guid: failed.guid, status_code: 200, redelivery: true, status: 'OK' });
    const { body } = await github.api('GET', `/hooks/1/deliveries/${again.id}`);
    expect(body.request.headers['X-GitHub-Delivery']).toBe(failed.guid);
    expect(body.response.payload).toBe('received');
  });

  test('the list goes on by cursor', async () => {
    const first = await github.api('GET', '/hooks/1/deliveries?per_page=2');
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await github.api('GET', `^${next.slice(github.server.apiUrl.length)}`);

    expect(second.body[0].id).toBeLessThan(first.body[1].id);
  });

  test('a receiver that is away does not hold up the API', async () => {
    const config = { url: 'http://127.0.0.1:1/nobody', content_type: 'json' };
    const { body } = await github.api('POST', '/hooks', { config, events: ['issues'] });
    await github.api('POST', '/issues', { title: 'While away' });
    await github.server.deliveries.idle();

    const [failed] = (await github.api('GET', `/hooks/${body.id}/deliveries`)).body;
    expect(failed).toMatchObject({ event: 'issues', status_code: 0, status: 'failed to connect to host' });
    await github.api('DELETE', `/hooks/${body.id}`);
  });

  test('paused deliveries wait, in order', async () => {
    await github.server.deliveries.idle();
    const before = receiver.received.length;
    github.server.deliveries.pause();
    await github.api('POST', '/issues', { title: 'A' });
    await github.api('POST', '/issues', { title: 'B' });
    await github.server.deliveries.idle();
    expect(receiver.received.length).toBe(before);

    github.server.deliveries.resume();
    await github.server.deliveries.idle();

    expect(receiver.received.slice(before).map(({ body }) => body.issue.title)).toEqual(['A', 'B']);
  });
});
