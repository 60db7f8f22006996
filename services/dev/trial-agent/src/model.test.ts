import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { askModel, ModelError, type ModelOptions } from './model.ts';

type Reply = (response: ServerResponse) => void;

const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
const message = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] };
const usage = { input_tokens: 3, output_tokens: 2, input_tokens_details: { cached_tokens: 1 } };
const whole: Reply = (response) =>
  response
    .writeHead(200, { 'content-type': 'text/event-stream' })
    .end(
      event({ type: 'response.output_item.done', item: message }) +
        event({ type: 'response.completed', response: { output: [message], usage } }),
    );
const status =
  (code: number, text: string): Reply =>
  (response) =>
    response.writeHead(code).end(JSON.stringify({ error: { message: text } }));
const cut: Reply = (response) => response.writeHead(200).end(event({ type: 'response.created', response: {} }));
const broken: Reply = (response) => response.destroy();

/** Answers one request after another with the given replies; the last one stays. */
async function ask(replies: readonly Reply[], options: Partial<ModelOptions> = {}) {
  let requests = 0;
  const server = createServer((_request, response) => {
    replies[Math.min(requests, replies.length - 1)]?.(response);
    requests += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const retries: string[] = [];
  const defaults = {
    model: 'm',
    baseUrl,
    apiKey: 'k',
    reasoningEffort: undefined,
    instructions: '',
    tools: [],
    signal: new AbortController().signal,
    backoffMs: 1,
  };
  try {
    const answer = await askModel([], { ...defaults, onRetry: (text) => retries.push(text), ...options }).catch((error: unknown) => error);
    return { answer, requests, retries };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a streamed answer is read to its end', async () => {
  expect((await ask([whole])).answer).toEqual({ output: [message], usage: { input_tokens: 3, cached_input_tokens: 1, output_tokens: 2 } });
});

test('rate limits, server errors, cut streams and broken connections are tried again', async () => {
  const { answer, requests, retries } = await ask([status(429, 'slow down'), status(503, 'busy'), cut, broken, whole]);

  expect(answer).toMatchObject({ output: [message] });
  expect(requests).toBe(5);
  expect(retries.slice(0, 3)).toEqual([
    'unexpected status 429: slow down',
    'unexpected status 503: busy',
    'stream closed before response.completed',
  ]);
});

test('what cannot get better is not tried again, and the kind of failure is told', async () => {
  const failed = { type: 'response.failed', response: { error: { code: 'invalid_prompt', message: 'bad' } } };
  const cases: [Reply, string][] = [
    [status(401, 'bad key'), 'unauthorized'],
    [status(400, 'bad request'), 'rejected'],
    [status(429, 'You exceeded your current quota'), 'rate_limited'],
    [(response) => response.end(event(failed)), 'rejected'],
  ];

  for (const [reply, kind] of cases) {
    const { answer, requests } = await ask([reply]);
    expect([answer instanceof ModelError && answer.kind, requests]).toEqual([kind, 1]);
  }
});

test('it gives up after five tries', async () => {
  const { answer, requests } = await ask([status(500, 'x')]);

  expect(answer).toMatchObject({ kind: 'unavailable', status: 500 });
  expect(requests).toBe(5);
});

test('an abort ends the waiting for an endpoint that hangs', async () => {
  const { answer } = await ask([() => undefined], { signal: AbortSignal.timeout(50) });

  expect(answer).toMatchObject({ name: 'TimeoutError' });
});
