import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
}

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TinyServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** A real server on loopback that answers by a function and remembers what it was asked. */
export async function tinyServer(answer: (request: Asked) => Answer): Promise<TinyServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((bytes) => {
      const seen: Asked = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: bytes.toString(),
        bytes,
      };
      asked.push(seen);
      const { status = 200, body: payload, headers = {} } = answer(seen);
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
      response.end(payload === undefined ? undefined : JSON.stringify(payload));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
