import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { asCliError } from './cli-error.ts';
import { followStream, type StreamMessage } from './event-stream.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: (response: ServerResponse, url: string) => void): Promise<string> {
  const started = createServer((request, response) => answer(response, request.url ?? ''));
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`; // listens on a port, so it has one
}

async function readAll(apiUrl: string): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  for await (const message of followStream({ apiUrl, token: 't', source: 'test' }, '/stream', 0)) messages.push(message);
  return messages;
}

test('a stream that was cut goes on after the last message and ends at end', async () => {
  const asked: string[] = [];
  const url = await serve((response, path) => {
    asked.push(path);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (asked.length === 1) response.end(': hello\n\nid: 1\nevent: log\ndata: {"n":1}\n\n');
    else response.end('id: 2\nevent: log\ndata: {"n":2}\n\nevent: end\ndata: {}\n\n');
  });

  const messages = await readAll(url);

  expect(asked).toEqual(['/stream?after=0', '/stream?after=1']);
  expect(messages.map(({ id, data }) => [id, data])).toEqual([
    ['1', '{"n":1}'],
    ['2', '{"n":2}'],
  ]);
});

test('a refusal is not tried again', async () => {
  let count = 0;
  const url = await serve((response) => {
    count += 1;
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"code":"run.not_found","message":"There is no such run."}');
  });

  const failure = await readAll(url).catch(asCliError);

  expect(failure).toMatchObject({ exit: 'notFound', problem: { code: 'run.not_found' } });
  expect(count).toBe(1);
});
