import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { runSpanIdOf, traceIdOf } from './trace-context.ts';
import { inSpan, ofRun, startSpan, startTracing, traceFields, traceHeaders, traceNewRun } from './tracing.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const delivery = '72d3162e-cc78-11e3-81ab-4c9367dc0958';
const traceId = '72d3162ecc7811e381ab4c9367dc0958';
const run = { id: 'r-1', correlationId: delivery, attempt: 1, agentKey: 'dev', runKind: 'work' };

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code: number; readonly message?: string };
  readonly links: readonly { readonly traceId: string }[];
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** `answers` false: it takes what it is sent and says nothing. */
async function aCollector({ answers = true } = {}): Promise<{ url: string; spans: SentSpan[] }> {
  const spans: SentSpan[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { resourceSpans } = body as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }; // the SDK's serializer
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      if (answers) response.end('{}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }; // it listens on a port
}

async function closedPort(): Promise<string> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port
  await once(server.close(), 'close');
  return `http://127.0.0.1:${port}`;
}

test.each([
  [delivery, traceId],
  [`retry-${delivery}`, traceId],
  [`${delivery}.review.0123456789ab`, traceId],
])('the trace of %s is the UUID in it', (correlationId, expected) => {
  expect(traceIdOf(correlationId)).toBe(expected);
});

test.each(['manual-1', '00000000-0000-0000-0000-000000000000', ''])(
  'without a usable UUID the trace id is a hash: "%s"',
  (correlationId) => {
    expect(traceIdOf(correlationId)).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  },
);

test('work for a run in any process hangs on the span that created the run', async () => {
  const { url, spans } = await aCollector();
  {
    await using _tracing = await startTracing({ serviceName: 'test', endpoint: url, log });
    await inSpan('delivery', { correlationId: delivery, begins: 'trace' }, async () => traceNewRun(run));
    await inSpan('later', ofRun(run), () => inSpan('inside', {}, async () => undefined));
  }

  const byName = new Map(spans.map((span) => [span.name, span]));
  const [root, created, later, inside] = ['delivery', 'create run', 'later', 'inside'].map((name) => byName.get(name));
  expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
  expect(root?.parentSpanId).toBeUndefined();
  expect(created).toMatchObject({ spanId: runSpanIdOf(delivery), parentSpanId: root?.spanId });
  expect(later).toMatchObject({ parentSpanId: created?.spanId });
  expect(inside).toMatchObject({ parentSpanId: later?.spanId });
});

test('a caller of another process is the parent, and a run that is born in another trace is linked to it', async () => {
  const { url, spans } = await aCollector();
  const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  {
    await using _tracing = await startTracing({ serviceName: 'test', endpoint: url, log });
    const options = { traceparent: `00-${caller.traceId}-${caller.spanId}-01`, correlationId: 'x', begins: 'trace' } as const;
    await inSpan('request', options, async () => traceNewRun(run));
  }

  expect(spans.find(({ name }) => name === 'request')).toMatchObject({ traceId: caller.traceId, parentSpanId: caller.spanId });
  expect(spans.find(({ name }) => name === 'create run')).toMatchObject({ traceId, links: [{ traceId: caller.traceId }] });
});

test.each(['', 'nonsense', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`])(
  'a traceparent that is none begins a trace of its own: "%s"',
  async (traceparent) => {
    const { url, spans } = await aCollector();
    {
      await using _tracing = await startTracing({ serviceName: 'test', endpoint: url, log });
      await inSpan('request', { traceparent, correlationId: delivery, begins: 'trace' }, async () => undefined);
    }

    expect(spans).toMatchObject([{ traceId }]);
  },
);

test('what is thrown becomes the status by its code or name, without its message', async () => {
  const { url, spans } = await aCollector();
  {
    await using _tracing = await startTracing({ serviceName: 'test', endpoint: url, log });
    const failing = inSpan('work', {}, () => Promise.reject(new TypeError('the words of the issue')));
    await expect(failing).rejects.toThrow('the words');
  }

  expect(spans[0]?.status).toEqual({ code: 2, message: 'TypeError' });
  expect(JSON.stringify(spans)).not.toContain('words');
});

test.each(['hangs', 'is not there'])('a collector that %s slows nothing, and its loss is said once', async (how) => {
  const endpoint = how === 'hangs' ? (await aCollector({ answers: false })).url : await closedPort();
  const lines: string[] = [];
  const listening = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  const tracing = await startTracing({ serviceName: 'test', endpoint, log: listening });
  const startedAt = performance.now();

  for (let index = 0; index < 5_000; index += 1) await inSpan('work', ofRun(run), async () => undefined);
  const workedMs = performance.now() - startedAt;
  await tracing[Symbol.asyncDispose]();

  expect(workedMs).toBeLessThan(2_000);
  expect(performance.now() - startedAt - workedMs).toBeLessThan(1_500);
  expect(lines.filter((line) => line.includes('traces cannot be sent')).length).toBeLessThanOrEqual(1);
});

test('a log line that is written in a span names it', async () => {
  const { url, spans } = await aCollector();
  const lines: string[] = [];
  const log = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  {
    await using _tracing = await startTracing({ serviceName: 'test', endpoint: url, log });
    await inSpan('work', { correlationId: delivery, begins: 'trace' }, async () => log.info('inside'));
    log.info('outside');
  }

  const ids = lines.map((line) => JSON.parse(line) as { trace_id?: string; span_id?: string }); // written by pino
  expect(ids).toMatchObject([{ trace_id: traceId, span_id: spans[0]?.spanId }, { msg: 'outside' }]);
  expect(ids[1]?.trace_id).toBeUndefined();
});

test('while it is off a span does nothing', async () => {
  await using _tracing = await startTracing({ serviceName: 'test', endpoint: undefined, log });

  const seen = await inSpan('work', ofRun(run), async () => ({ ...traceHeaders(), ...traceFields() }));

  expect(seen).toEqual({});
  expect(startSpan('x').enter(() => 7)).toBe(7);
});

test.each([
  ['off', 'undefined'],
  ['on', "'http://127.0.0.1:9'"],
])('the SDK is loaded only when it is on: %s', async (state, endpoint) => {
  const script = `
    import { registerHooks } from 'node:module';
    const packages = new Set();
    registerHooks({ load: (url, context, next) => (packages.add(/node_modules\\/(@opentelemetry\\/[^/]+)/.exec(url)?.[1]), next(url, context)) });
    const { createLogger, startTracing } = await import(${JSON.stringify(new URL('index.ts', import.meta.url).href)});
    await startTracing({ serviceName: 'x', endpoint: ${endpoint}, log: createLogger({ service: 'x', level: 'silent' }) });
    for (const name of [undefined, '@opentelemetry/api']) packages.delete(name); // prom-client has the API for itself
    process.stdout.write(String(packages.size), () => process.exit());
  `;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);

  expect(Number(stdout) > 0).toBe(state === 'on');
});
