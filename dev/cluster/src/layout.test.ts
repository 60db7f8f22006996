import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { requireMachine } from './binaries.ts';
import { status, up } from './cluster.ts';
import { listClusters, makeLayout, nameRule } from './layout.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cluster-layout-'));
  vi.stubEnv('CODEXK8S_CLUSTER_DIR', folder);
});

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test('a cluster keeps its ports and addresses, a higher rung adds to them, a lower one takes nothing away', async () => {
  const api = await makeLayout({ name: 'one', rung: 'api' });
  const node = await makeLayout({ name: 'one', rung: 'node' });
  const again = await makeLayout({ name: 'one', rung: 'simulated' });

  expect(new Set(Object.values(api.ports)).size).toBe(5);
  expect(node).toEqual({ ...api, rung: 'node', network: expect.objectContaining({ namespace: 'ck8s-one' }) });
  expect(again).toEqual(node);
});

test('two clusters share neither ports nor addresses', async () => {
  const [one, two] = [await makeLayout({ name: 'one', rung: 'node' }), await makeLayout({ name: 'two', rung: 'node' })];

  expect(listClusters().toSorted()).toEqual(['one', 'two']);
  expect(Object.values(one.ports).filter((port) => Object.values(two.ports).includes(port))).toEqual([]);
  expect(one.network?.hostAddress).not.toBe(two.network?.hostAddress);
  expect(one.network?.hostLink.length).toBeLessThanOrEqual(15);
});

test.for(['', 'Dev', '1st', 'much-too-long', 'longername', 'a/b'])('%j is no name of a cluster', async (name) => {
  expect(nameRule.test(name)).toBe(false);
  await expect(up({ name, rung: 'api', simulatedNodes: 0, log: () => undefined })).rejects.toThrow(/no name of a cluster/);
});

test('a machine that lacks something is told all of it at once', () => {
  const bare = { isRoot: false, hasCommand: (command: string) => command === 'ip' };

  expect(() => requireMachine('node', bare)).toThrow(/needs root.*missing: openssl util-linux iptables .* containernetworking-plugins/);
  expect(() => requireMachine('simulated', { isRoot: false, hasCommand: () => true })).not.toThrow();
});

test('the status of a cluster that is not there says how to start one', async () => {
  await expect(status('absent')).rejects.toMatchObject({ message: 'There is no cluster absent.', remedy: expect.stringContaining('up') });
});
