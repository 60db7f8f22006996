import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { serveMetrics, serveStatus } from './status-server.ts';

test('a page answers with its status, one that fails with 503, and any other path with 404', async () => {
  await using server = await serveStatus(
    { '/readyz': async () => [200, 'ok'], '/broken': () => Promise.reject(new Error('the database is away')) },
    { host: '127.0.0.1', port: 0 },
  );

  const answers = await Promise.all(
    ['/readyz', '/broken', '/', '/toString', '/readyz/..'].map(async (path) => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      return [response.status, await response.text()];
    }),
  );

  expect(answers).toEqual([
    [200, 'ok'],
    [503, 'unavailable'],
    [404, 'not found'],
    [404, 'not found'],
    [404, 'not found'],
  ]);
});

test('metrics are refreshed when they are scraped', async () => {
  const metrics = createMetrics('test');
  const runs = metrics.gauge('codexk8s_runs', 'Unfinished runs', ['status']);
  let count = 0;
  const refresh = async () => runs.set({ status: 'pending' }, (count += 1));
  await using server = await serveMetrics(metrics, { host: '127.0.0.1', port: 0, refresh });
  const scrape = async () => (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();

  expect([await scrape(), await scrape()]).toEqual([
    expect.stringContaining('codexk8s_runs{status="pending",service="test"} 1'),
    expect.stringContaining('codexk8s_runs{status="pending",service="test"} 2'),
  ]);
});

test('without a port nothing listens, and a port that is taken is said', async () => {
  const metrics = createMetrics('test');
  await using first = await serveMetrics(metrics, { host: '127.0.0.1', port: 0 });

  expect((await serveMetrics(metrics, { host: '127.0.0.1', port: undefined })).port).toBeUndefined();
  await expect(serveMetrics(metrics, { host: '127.0.0.1', port: first.port })).rejects.toThrow('EADDRINUSE');
});
