import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentOfNamespace } from '@codex-k8s/domain';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { applyObject, connectKube } from './client.ts';
import { holdsPlatformObjects, planUpdate, sendDelete, sendUpdate } from './cluster-changes.ts';
import { listClusterObjects } from './cluster-list.ts';
import { readContainerLog } from './cluster-logs.ts';
import { readClusterObject, type ClusterObject } from './cluster-object.ts';
import { readNamespaceFacts } from './namespace-facts.ts';
import { labels, managedLabels } from './words.ts';

const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const namespace = `ck-admin-${randomUUID().slice(0, 8)}`;
const made = [namespace];
const secretValue = 'hunter2-correct-horse';
const encodedValue = Buffer.from(secretValue).toString('base64');

beforeAll(async () => {
  await kube.core.createNamespace({ body: { metadata: { name: namespace, labels: { [labels.environment]: 'dev' } } } });
});
afterAll(async () => {
  for (const name of made) await kube.core.deleteNamespace({ name });
});

async function aConfigMap(
  name: string,
  data: Record<string, string> = { colour: 'red' },
  more: Record<string, string> = {},
): Promise<ClusterObject> {
  await applyObject(kube, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: more }, data } as never); // its data is not in the general type
  return readClusterObject(kube, { kind: 'configmaps', namespace, name });
}

async function aSecret(name: string): Promise<ClusterObject> {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: { password: encodedValue } }) };
  await kube.core.createNamespacedSecret({
    namespace,
    body: { metadata: { name, annotations }, stringData: { password: secretValue, empty: '' } },
  });
  return readClusterObject(kube, { kind: 'secrets', namespace, name });
}

describe('lists', () => {
  test('go page by page, with the columns that the cluster prints', async () => {
    for (let n = 0; n < 5; n++) await aConfigMap(`page-${n}`);

    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listClusterObjects(kube, { kind: 'configmaps', namespace, limit: 2, cursor });
      expect(page.objects.length).toBeLessThanOrEqual(2);
      names.push(...page.objects.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    const [first] = (await listClusterObjects(kube, { kind: 'configmaps', namespace, name: 'page-0', limit: 2 })).objects;

    expect(names.filter((name) => name.startsWith('page-'))).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
    expect(first).toMatchObject({ namespace, name: 'page-0', columns: { data: '1' }, isDeleting: false });
  });

  test('are searched by a part of the name, without losing or repeating one between pages', async () => {
    for (let n = 0; n < 5; n++) await aConfigMap(`find-${n}-me`);

    const first = await listClusterObjects(kube, { kind: 'configmaps', namespace, name: '-me', limit: 3 });
    const second = await listClusterObjects(kube, { kind: 'configmaps', namespace, name: '-me', limit: 3, cursor: first.nextCursor });

    expect([first, second].map(({ objects }) => objects.map(({ name }) => name))).toEqual([
      ['find-0-me', 'find-1-me', 'find-2-me'],
      ['find-3-me', 'find-4-me'],
    ]);
    expect(second.nextCursor).toBeUndefined();
  });

  test('cover every kind and keep the values of Secrets where they are', async () => {
    await aSecret('listed');
    const kinds = ['namespaces', 'secrets', 'deployments', 'pods', 'jobs', 'pvc'] as const;
    const pages = await Promise.all(
      kinds.map((kind) => listClusterObjects(kube, { kind, limit: 200, ...(kind !== 'namespaces' && { namespace }) })),
    );

    expect(pages[0]?.objects).toContainEqual(expect.objectContaining({ name: namespace, columns: { status: 'Active' } }));
    expect(pages[1]?.objects).toContainEqual(expect.objectContaining({ name: 'listed', columns: { type: 'Opaque', data: '2' } }));
    expect(JSON.stringify(pages)).not.toContain(encodedValue);
  });

  test('refuse a place that the cluster does not know, and one that is none', async () => {
    const cursor = Buffer.from(JSON.stringify(['not-a-token', 0])).toString('base64url');
    const ask = { kind: 'configmaps', namespace, limit: 2 } as const;

    await expect(listClusterObjects(kube, { ...ask, cursor })).rejects.toMatchObject({ code: 'kube.rejected' });
    await expect(listClusterObjects(kube, { ...ask, cursor: 'nonsense' })).rejects.toMatchObject({
      code: 'request.invalid',
      field: 'query.cursor',
    });
  });
});

describe('a change', () => {
  test('is tried without changing anything, then applied, with what nobody edited left alone', async () => {
    const shown = await aConfigMap('edit', { colour: 'red', keep: 'yes' });
    const ref = { kind: 'configmaps', namespace, name: 'edit' } as const;
    const yaml = shown.yaml.replace('red', 'green');

    const plan = await planUpdate(kube, { ref, yaml, resourceVersion: shown.resourceVersion });
    const tried = await sendUpdate(kube, plan, { dryRun: true });
    const between = await readClusterObject(kube, ref);
    const applied = await sendUpdate(kube, plan, { dryRun: false });

    expect(plan.changes).toEqual(['data.colour']);
    expect(tried.yaml).toContain('colour: green');
    expect(between).toEqual(shown);
    expect(applied.yaml).toBe(tried.yaml);
    expect(applied.yaml).toContain('keep: "yes"');
  });

  test('on what has been changed meanwhile is a conflict, also between plan and act', async () => {
    const shown = await aConfigMap('race');
    const ref = { kind: 'configmaps', namespace, name: 'race' } as const;
    const plan = await planUpdate(kube, { ref, yaml: shown.yaml.replace('red', 'green'), resourceVersion: shown.resourceVersion });
    await aConfigMap('race', { colour: 'blue' });

    await expect(sendUpdate(kube, plan, { dryRun: true })).rejects.toMatchObject({ code: 'kube.conflict' });
    await expect(sendUpdate(kube, plan, { dryRun: false })).rejects.toMatchObject({ code: 'kube.conflict' });
    await expect(planUpdate(kube, { ref, yaml: shown.yaml, resourceVersion: shown.resourceVersion })).rejects.toMatchObject({
      code: 'kube.conflict',
    });
    expect((await readClusterObject(kube, ref)).yaml).toContain('colour: blue');
  });

  test.each([
    ['another name', (yaml: string) => yaml.replace('name: same', 'name: other'), 'request.unprocessable'],
    ['another kind', (yaml: string) => yaml.replace('kind: ConfigMap', 'kind: Secret'), 'request.unprocessable'],
    ['no YAML', () => 'a: [', 'request.unprocessable'],
  ])('to %s is refused before the cluster is asked', async (_, edit, code) => {
    const shown = await aConfigMap('same');
    const act = planUpdate(kube, {
      ref: { kind: 'configmaps', namespace, name: 'same' },
      yaml: edit(shown.yaml),
      resourceVersion: shown.resourceVersion,
    });

    await expect(act).rejects.toMatchObject({ code, field: 'body.yaml' });
  });

  test('with a field that the cluster does not know is refused by its name', async () => {
    const shown = await aConfigMap('strict');
    const ref = { kind: 'configmaps', namespace, name: 'strict' } as const;
    const plan = await planUpdate(kube, { ref, yaml: `${shown.yaml}colour: red\n`, resourceVersion: shown.resourceVersion });

    await expect(sendUpdate(kube, plan, { dryRun: true })).rejects.toMatchObject({
      code: 'kube.rejected',
      message: expect.stringContaining('colour'),
    });
  });

  test('of a Secret keeps its values, and shows them nowhere', async () => {
    const shown = await aSecret('hidden');
    const ref = { kind: 'secrets', namespace, name: 'hidden' } as const;
    const annotated = shown.yaml.replace('metadata:\n', 'metadata:\n  annotations:\n    team: shop\n');

    const plan = await planUpdate(kube, { ref, yaml: annotated, resourceVersion: shown.resourceVersion });
    const tried = await sendUpdate(kube, plan, { dryRun: true });
    const applied = await sendUpdate(kube, plan, { dryRun: false });
    const withValues = await planUpdate(kube, {
      ref,
      yaml: `${applied.yaml}stringData:\n  password: new-${secretValue}\n`,
      resourceVersion: applied.resourceVersion,
    }).catch((error: unknown) => error);
    const invalid = await planUpdate(kube, {
      ref,
      yaml: applied.yaml.replace('type: Opaque', 'type: kubernetes.io/tls'),
      resourceVersion: applied.resourceVersion,
    });
    const refused = await sendUpdate(kube, invalid, { dryRun: true }).catch((error: unknown) => error);

    expect(shown.keys).toEqual([
      { name: 'empty', bytes: 0 },
      { name: 'password', bytes: secretValue.length },
    ]);
    expect(tried.yaml).toContain('team: shop');
    expect(withValues).toMatchObject({ code: 'cluster.secret_values', message: expect.not.stringContaining(secretValue) });
    expect(refused).toMatchObject({
      code: 'kube.rejected',
      message: expect.stringContaining('data[tls.crt] FieldValueRequired'),
      cause: undefined,
    });
    const everything = JSON.stringify([shown, plan, tried, applied, String(refused), refused]);
    expect(everything).not.toContain(secretValue);
    expect(everything).not.toContain(encodedValue);
    const stored = await kube.core.readNamespacedSecret({ namespace, name: 'hidden' });
    expect(stored.data?.['password']).toBe(encodedValue);
  });
});

describe('deleting', () => {
  test('is tried, and done to this very object only', async () => {
    const shown = await aConfigMap('gone');
    const ref = { kind: 'configmaps', namespace, name: 'gone' } as const;

    await sendDelete(kube, { ref, uid: shown.uid, dryRun: true });
    const still = await readClusterObject(kube, ref);
    const other = sendDelete(kube, { ref, uid: randomUUID(), dryRun: false });
    await expect(other).rejects.toMatchObject({ code: 'kube.conflict' });
    await sendDelete(kube, { ref, uid: shown.uid, dryRun: false });

    expect(still.uid).toBe(shown.uid);
    await expect(readClusterObject(kube, ref)).rejects.toMatchObject({ code: 'kube.not_found' });
  });

  test('a namespace is known to hold a part of the platform', async () => {
    const before = await holdsPlatformObjects(kube, namespace);
    await aConfigMap('ours', {}, { [labels.partOf]: 'codex-k8s' });

    expect([before, await holdsPlatformObjects(kube, namespace)]).toEqual([false, true]);
  });
});

test('the environment comes from the namespace; a run namespace is one of agents', async () => {
  const run = `${namespace}-run`;
  await kube.core.createNamespace({ body: { metadata: { name: run, labels: { ...managedLabels } } } });
  made.push(run);

  const facts = await readNamespaceFacts(kube, [namespace, run, 'default', 'not-there']);

  const environments = [...facts].map(([name, one]) => [name, environmentOfNamespace(one, 'production')]);
  expect(environments).toEqual([
    [namespace, 'dev'],
    [run, 'ai'],
    ['default', undefined],
    ['not-there', undefined],
  ]);
});

test('the log of a pod that never ran is told from a cluster that does not answer', async () => {
  const spec = { nodeSelector: { type: 'nowhere' }, containers: [{ name: 'web', image: 'none.invalid/none:1' }] };
  await kube.core.createNamespacedPod({ namespace, body: { metadata: { name: 'waiting' }, spec } });
  const query = { ref: { kind: 'pods', namespace, name: 'waiting' }, tailLines: 10, previous: false } as const;

  await expect(readContainerLog(kube, query)).rejects.toMatchObject({ code: 'kube.no_logs' });
  await expect(readContainerLog(kube, { ...query, container: 'db' })).rejects.toMatchObject({ code: 'kube.no_logs' });
  await expect(readContainerLog(kube, { ...query, ref: { ...query.ref, name: 'absent' } })).rejects.toMatchObject({
    code: 'kube.not_found',
  });
});

test('a hung API server is not waited for without end', async () => {
  const { createServer } = await import('node:http');
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await vi.waitFor(() => expect(server.listening).toBe(true));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const deaf = connectKube({ kubeconfig: inject('kubeconfig') });
  deaf.config.clusters = deaf.config.clusters.map((cluster) => ({ ...cluster, server: `http://127.0.0.1:${port}`, skipTLSVerify: true }));

  const act = listClusterObjects(deaf, { kind: 'pods', limit: 1 });
  const ended = await Promise.race([act.catch((error: unknown) => error), sleep(30_000, 'still waiting')]);

  expect(ended).toMatchObject({ code: 'kube.unavailable' });
  server.closeAllConnections();
  server.close();
}, 60_000);

describe.skipIf(inject('realNode') === undefined)('logs (need the real node)', () => {
  const image = `localhost:5000/debian:bookworm`;

  async function aJob(name: string, script: string): Promise<void> {
    const container = { name: 'main', image, command: ['bash', '-c', script] };
    const template = { spec: { restartPolicy: 'Never', nodeSelector: { 'kubernetes.io/hostname': 'node1' }, containers: [container] } };
    await kube.batch.createNamespacedJob({ namespace, body: { metadata: { name }, spec: { backoffLimit: 0, template } } });
    await vi.waitFor(async () => expect((await kube.batch.readNamespacedJob({ namespace, name })).status?.succeeded).toBe(1), {
      timeout: 60_000,
      interval: 200,
    });
  }

  test('of a Job are its newest pod’s, the last lines, without tokens', async () => {
    await aJob('talks', 'for n in $(seq 1 30); do echo line $n; done; echo ghp_0123456789abcdefghij');

    const log = await readContainerLog(kube, { ref: { kind: 'jobs', namespace, name: 'talks' }, tailLines: 3, previous: false });

    expect(log.lines.map(({ text }) => text)).toEqual(['line 29', 'line 30', '[REDACTED]']);
    expect(log.lines[0]?.at).toBeInstanceOf(Date);
    expect(log).toMatchObject({ container: 'main', containers: ['main'], isCut: true });
    expect(log.pods).toHaveLength(1);
  });

  test('that are too long keep their end', async () => {
    await aJob('floods', 'head -c 3000000 /dev/zero | tr "\\0" x | fold -w 3000; echo; echo the end');

    const log = await readContainerLog(kube, { ref: { kind: 'jobs', namespace, name: 'floods' }, tailLines: 2_000, previous: false });

    expect(log.lines.at(-1)?.text).toBe('the end');
    expect(log.isCut).toBe(true);
    expect(log.lines.reduce((bytes, { text }) => bytes + text.length, 0)).toBeLessThan(1024 * 1024);
  });
});
