/** The admission policy on a real API server: who may delete a part of the platform, and who may not. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  applyObject,
  connectKube,
  labels,
  planUpdate,
  readClusterObject,
  readManifests,
  sendDelete,
  sendUpdate,
  writeTokenKubeconfig,
  type Kube,
} from '@codex-k8s/kube';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';

const admin = connectKube({ kubeconfig: inject('kubeconfig') });
const folder = mkdtempSync(join(tmpdir(), 'codexk8s-guardrails-'));
const id = randomUUID().slice(0, 8);
const namespace = `ck-guard-${id}`;
const ours = { [labels.partOf]: 'codex-k8s' };
const policy = readManifests(readFileSync(join(import.meta.dirname, '../../deploy/kubernetes/guardrails-policy.yaml'), 'utf8'));
const rbac = 'rbac.authorization.k8s.io';
let editor: Kube;
let installer: Kube;

/** A service account with these rights everywhere. */
async function account(name: string, rules: object[]): Promise<Kube> {
  const role = `${name}-${id}`;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name: role };
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: role }, rules },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name: role }, roleRef, subjects },
  ];
  for (const object of objects) await applyObject(admin, object);
  const path = join(folder, name);
  await writeTokenKubeconfig(admin, { namespace, serviceAccount: name, path });
  return connectKube({ kubeconfig: path });
}

const everyObject = { apiGroups: ['', 'apps', 'batch'], resources: ['*'], verbs: ['*'] };

async function aConfigMap(name: string, own: Record<string, string> = ours) {
  await applyObject(admin, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: own } });
  return { kind: 'configmaps', namespace, name } as const;
}

async function remove(kube: Kube, ref: Awaited<ReturnType<typeof aConfigMap>>): Promise<void> {
  const { uid } = await readClusterObject(kube, ref);
  await sendDelete(kube, { ref, uid, dryRun: false });
}

beforeAll(async () => {
  await admin.core.createNamespace({ body: { metadata: { name: namespace } } });
  editor = await account('editor', [everyObject]);
  installer = await account('installer', [everyObject, { apiGroups: ['codex-k8s.dev'], resources: ['guardrails'], verbs: ['bypass'] }]);
  for (const manifest of policy) await applyObject(admin, manifest);
  // A policy takes a moment to be in force.
  await vi.waitFor(
    async () => {
      const ref = await aConfigMap('first');
      await expect(remove(editor, ref)).rejects.toMatchObject({ code: 'kube.rejected' });
    },
    { timeout: 30_000, interval: 500 },
  );
}, 60_000);

afterAll(async () => {
  for (const manifest of policy.toReversed()) await admin.objects.delete(manifest);
  for (const name of ['editor', 'installer']) {
    await admin.objects.delete({ apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name: `${name}-${id}` } });
    await admin.objects.delete({ apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: `${name}-${id}` } });
  }
  await admin.core.deleteNamespace({ name: namespace });
  rmSync(folder, { recursive: true });
});

test('somebody with every right on objects deletes what is not the platform’s, and nothing of the platform', async () => {
  const [own, other] = [await aConfigMap('own'), await aConfigMap('other', {})];

  await remove(editor, other);
  await expect(remove(editor, own)).rejects.toMatchObject({
    code: 'kube.rejected',
    message: expect.stringContaining('only its installer may delete it'),
  });
  await expect(editor.core.deleteCollectionNamespacedConfigMap({ namespace })).rejects.toMatchObject({ code: 403 });

  expect((await readClusterObject(editor, own)).labels).toMatchObject(ours);
});

test('the label cannot be taken away first, and everything else can be changed', async () => {
  const ref = await aConfigMap('labelled');
  const { yaml, resourceVersion } = await readClusterObject(editor, ref);
  const stripped = await planUpdate(editor, { ref, yaml: yaml.replace('part-of: codex-k8s', 'part-of: shop'), resourceVersion });
  const filled = await planUpdate(editor, { ref, yaml: `${yaml}data:\n  colour: red\n`, resourceVersion });

  await expect(sendUpdate(editor, stripped, { dryRun: true })).rejects.toMatchObject({ code: 'kube.rejected' });
  expect((await sendUpdate(editor, filled, { dryRun: false })).yaml).toContain('colour: red');
});

test('the installer and a cluster admin may', async () => {
  await remove(installer, await aConfigMap('by-installer'));
  await remove(admin, await aConfigMap('by-admin'));

  for (const name of ['by-installer', 'by-admin']) {
    await expect(readClusterObject(admin, { kind: 'configmaps', namespace, name })).rejects.toMatchObject({ code: 'kube.not_found' });
  }
});

test('controllers clean up: what a deleted owner owned, finished Jobs, and a whole namespace', async () => {
  const template = {
    metadata: { labels: ours },
    spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'none.invalid/none:1' }] },
  };
  const spec = { backoffLimit: 0, template: { ...template, spec: { ...template.spec, nodeSelector: { type: 'nowhere' } } } };
  const inner = `${namespace}-inner`;
  await admin.core.createNamespace({ body: { metadata: { name: inner } } });
  await admin.batch.createNamespacedJob({ namespace: inner, body: { metadata: { name: 'owner', labels: { app: 'shop' } }, spec } });
  await admin.batch.createNamespacedJob({ namespace: inner, body: { metadata: { name: 'stays', labels: ours }, spec } });
  const pods = async () => (await admin.core.listNamespacedPod({ namespace: inner })).items;
  await vi.waitFor(async () => expect(await pods()).toHaveLength(2), { timeout: 30_000, interval: 200 });

  await editor.batch.deleteNamespacedJob({ name: 'owner', namespace: inner, body: { propagationPolicy: 'Background' } });
  await vi.waitFor(async () => expect(await pods()).toHaveLength(1), { timeout: 30_000, interval: 200 });
  await editor.core.deleteNamespace({ name: inner });

  await vi.waitFor(async () => expect(admin.core.readNamespace({ name: inner })).rejects.toMatchObject({ code: 404 }), {
    timeout: 60_000,
    interval: 500,
  });
});
