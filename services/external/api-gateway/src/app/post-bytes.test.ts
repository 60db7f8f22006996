import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { createPostBytes } from './post-bytes.ts';

async function serve(listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<string> {
  const server = createServer((request, response) => void listener(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

test('the bytes arrive as they are, over one connection', async () => {
  const sockets = new Set<unknown>();
  const url = await serve(async (request, response) => {
    sockets.add(request.socket);
    response.writeHead(202).end(`${request.url} ${String(request.headers['x-kind'])} ${await text(request)}`);
  });
  const post = createPostBytes(url, { timeoutMs: 5_000 });

  const answers = [];
  for (const body of ['one', 'zwölf']) answers.push(await post({ path: '/in', headers: { 'x-kind': 'a' }, body: Buffer.from(body) }));

  expect(answers).toEqual([
    { status: 202, body: '/in a one' },
    { status: 202, body: '/in a zwölf' },
  ]);
  expect(sockets.size).toBe(1);
});

test('what finds a kept connection closed is sent again on a new one', async () => {
  let requests = 0;
  const url = await serve(async (request, response) => {
    requests += 1;
    if (requests === 2) request.socket.resetAndDestroy();
    else response.end(await text(request));
  });
  const post = createPostBytes(url, { timeoutMs: 5_000 });
  await post({ path: '/', headers: {}, body: Buffer.from('first') });

  const answer = await post({ path: '/', headers: {}, body: Buffer.from('second') });

  expect([answer, requests]).toEqual([{ status: 200, body: 'second' }, 3]);
});

test('a server that is not there, or does not answer in time, is an error', async () => {
  const silent = await serve(() => Promise.resolve());
  const body = Buffer.from('x');

  await expect(createPostBytes('http://127.0.0.1:9', { timeoutMs: 5_000 })({ path: '/', headers: {}, body })).rejects.toThrow(
    'ECONNREFUSED',
  );
  await expect(createPostBytes(silent, { timeoutMs: 50 })({ path: '/', headers: {}, body })).rejects.toThrow('no answer within 50 ms');
});

test('an answer that breaks off is an error', async () => {
  const url = await serve(async (_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"answers":', () => response.destroy());
    await Promise.resolve();
  });

  await expect(createPostBytes(url, { timeoutMs: 5_000 })({ path: '/', headers: {}, body: Buffer.from('x') })).rejects.toThrow('aborted');
});
