import { once } from 'node:events';
import { createServer } from 'node:http';
import { VersionApi } from '@kubernetes/client-node';
import { expect, test, vi } from 'vitest';
import { LastingKubeConfig } from './lasting-connections.ts';

async function startApi() {
  let connections = 0;
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"major":"1","minor":"34","gitVersion":"v1.34.4"}');
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const config = new LastingKubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server: `http://127.0.0.1:${address.port}`, skipTLSVerify: true }],
    users: [{ name: 'u', token: 'one' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  const ask = () => config.makeApiClient(VersionApi).getCode();
  return { ask, connections: () => connections, [Symbol.dispose]: () => void server.close() };
}

test('requests share a connection, also those of several clients', async () => {
  using api = await startApi();

  for (let n = 0; n < 20; n += 1) expect((await api.ask()).gitVersion).toBe('v1.34.4');

  expect(api.connections()).toBeLessThanOrEqual(2); // one may still read its last answer
});

test('connections are renewed now and then, and with them what they were opened with', async () => {
  using api = await startApi();
  for (let n = 0; n < 5; n += 1) await api.ask();
  const before = api.connections();
  vi.useFakeTimers({ now: Date.now() + 301_000, toFake: ['Date'] });
  try {
    for (let n = 0; n < 20; n += 1) await api.ask();
  } finally {
    vi.useRealTimers();
  }

  expect(api.connections()).toBeGreaterThan(before);
  expect(api.connections()).toBeLessThanOrEqual(before + 2);
});
