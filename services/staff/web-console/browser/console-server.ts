import { createReadStream, existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { text } from 'node:stream/consumers';
import { createMockApi } from '../src/testing/mock-api.ts';
import { showcase } from '../src/testing/showcase.ts';
import { showcaseLine } from '../src/testing/showcase-texts.ts';

/** The policy the gateway serves the console under; the check fails when the page breaks it. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const dist = join(import.meta.dirname, '..', 'dist');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** The built console with the showcase API behind it, on a free port. */
export async function serveConsole(): Promise<Server> {
  const api = createMockApi(showcase);
  const server = createServer((request, response) => void answer(request, response, api.fetch));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, api: (request: Request) => Promise<Response>): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  response.setHeader('content-security-policy', policy);
  if (url.pathname.endsWith('/stream')) return stream(url, response);
  if (!url.pathname.startsWith('/api/')) return file(url.pathname, response);
  if (request.headers.cookie?.includes('signed_out')) {
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ code: 'auth.unauthorized', message: 'Sign in.' }));
    return;
  }
  const body = await text(request);
  const found = await api(new Request(url, { method: request.method ?? 'GET', ...(body && { body }) }));
  response.writeHead(found.status, Object.fromEntries(found.headers)).end(Buffer.from(await found.arrayBuffer()));
}

function file(pathname: string, response: ServerResponse): void {
  const asked = join(dist, normalize(pathname));
  const path = extname(asked) && existsSync(asked) ? asked : join(dist, 'index.html');
  response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' });
  createReadStream(path).pipe(response);
}

function stream(url: URL, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': hello\n\n');
  if (!url.pathname.endsWith('/logs/stream')) return;
  const from = Number(url.searchParams.get('after') ?? 0);
  for (let n = from + 1; n <= from + 20; n += 1) {
    response.write(`event: log\nid: ${n}\ndata: ${JSON.stringify({ ...showcaseLine(n), n })}\n\n`);
  }
}
