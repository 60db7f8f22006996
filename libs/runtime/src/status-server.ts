import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** What answers under one path; text and status. */
export type StatusPage = () => Promise<readonly [status: number, text: string]>;

export interface StatusServer extends AsyncDisposable {
  readonly port: number;
}

/** A listener for machines: probes and scrapers. A page that fails answers 503. */
export async function serveStatus(
  pages: Readonly<Record<string, StatusPage>>,
  { host, port }: { host: string; port: number },
): Promise<StatusServer> {
  const server = createServer((request, response) => {
    const page = Object.hasOwn(pages, request.url ?? '') ? pages[request.url ?? ''] : undefined;
    const answer = page?.() ?? Promise.resolve([404, 'not found'] as const);
    answer.then(
      ([status, text]) => response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
      () => response.writeHead(503, { 'content-type': 'text/plain' }).end('unavailable'),
    );
  });
  await once(server.listen(port, host), 'listening');
  return {
    port: (server.address() as AddressInfo).port, // it listens on a port
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** `/metrics` on a port of its own, which no ingress exposes; without a port there is no such listener. */
export async function serveMetrics(
  metrics: Metrics,
  { host, port, refresh }: { host: string; port: number | undefined; refresh?: () => Promise<void> },
): Promise<AsyncDisposable & { readonly port: number | undefined }> {
  if (port === undefined) return { port, [Symbol.asyncDispose]: () => Promise.resolve() };
  const page: StatusPage = async () => {
    await refresh?.();
    return [200, await metrics.render()];
  };
  return serveStatus({ '/metrics': page }, { host, port });
}
