/** The worker's ClusterRole reaches every namespace; the admission policy keeps it inside those that are marked as the platform's. */
import { randomUUID } from 'node:crypto';
import { applyRunNamespace, connectKube, labels, managedLabels, runNamespace, type Kube } from '@codex-k8s/kube';
import { AuthorizationV1Api, PatchStrategy, type KubernetesObject, type V1ResourceAttributes } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { actAs, attempt } from './act-as.ts';
import { installRights } from './install-rights.ts';

const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const [projectId, runId] = [randomUUID(), randomUUID()];
const own = runNamespace('ck-worker', { projectId, issueNumber: null, runId });
const foreign = `ck-foreign-${projectId.slice(0, 8)}`;
const half = `ck-half-${projectId.slice(0, 8)}`;
let worker: Kube;

function change(object: KubernetesObject) {
  return attempt(() => worker.objects.patch(object, undefined, 'All', 'codex-k8s-worker', true, PatchStrategy.ServerSideApply));
}

async function isAllowed(resourceAttributes: V1ResourceAttributes): Promise<boolean> {
  const { status } = await kube.config.makeApiClient(AuthorizationV1Api).createSubjectAccessReview({
    body: { spec: { user: 'system:serviceaccount:codex-k8s:codex-k8s-worker', resourceAttributes } },
  });
  return status?.allowed ?? false;
}

beforeAll(async () => {
  await installRights(kube);
  await kube.core.createNamespace({ body: { metadata: { name: foreign } } });
  await kube.core.createNamespace({ body: { metadata: { name: half, labels: { [labels.purpose]: 'run' } } } });
  worker = await actAs(kube, { namespace: 'codex-k8s', name: 'codex-k8s-worker' });
  await vi.waitFor(async () => expect(await change(secretIn(foreign))).toBe('rejected'), { timeout: 30_000, interval: 300 });
}, 60_000);

afterAll(async () => {
  for (const name of [own, foreign, half]) await kube.core.deleteNamespace({ name }).catch(() => undefined); // some tests remove their own
});

const secretIn = (namespace: string): KubernetesObject =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace }, stringData: { a: 'b' } }) as KubernetesObject;
const bindingIn = (namespace: string, role: string): KubernetesObject =>
  ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'x', namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: 'codex-runner', namespace }],
  }) as KubernetesObject;

test('it makes the namespace of a run and everything in it', async () => {
  await applyRunNamespace(worker, { namespace: own, mode: 'full-env', projectId, pods: 5, runId, profile: 'develop' });

  expect(await change(secretIn(own))).toBe('done');
  expect((await kube.core.readNamespace({ name: own })).metadata?.labels).toMatchObject(managedLabels);
});

test('it writes nothing into a namespace that is not marked as the platform’s, or only half', async () => {
  for (const namespace of [foreign, half, 'kube-system', 'default']) {
    expect([namespace, await change(secretIn(namespace)), await change(bindingIn(namespace, 'codex-k8s-agent-develop'))]).toEqual([
      namespace,
      'rejected',
      'rejected',
    ]);
  }
});

test('it neither marks a namespace that is there nor deletes one that is not marked', async () => {
  for (const name of [foreign, half]) {
    const marked = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: managedLabels } };
    expect(await change(marked)).toBe('rejected');
    expect(await attempt(() => worker.core.deleteNamespace({ name, dryRun: 'All' }))).toBe('rejected');
  }
  expect(await attempt(() => worker.core.deleteNamespace({ name: own, dryRun: 'All' }))).toBe('done');
  expect(await change({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${foreign}-new` } })).toBe('rejected');
});

test('it grants the profiles and nothing more', async () => {
  for (const role of ['cluster-admin', 'admin', 'edit', 'view']) {
    expect([role, await change(bindingIn(own, role))]).toEqual([role, 'forbidden']);
  }
  expect(await change(bindingIn(own, 'codex-k8s-worker'))).toBe('rejected'); // its own rights, which RBAC lets it pass on
  expect(await change(bindingIn(own, 'codex-k8s-agent-observe'))).toBe('done');
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'x', namespace: own }, rules: [] };
  expect(await change(role as KubernetesObject)).toBe('forbidden');
});

test('it reads no Secret', async () => {
  expect(await attempt(() => worker.core.listNamespacedSecret({ namespace: own }))).toBe('forbidden');
  expect(await attempt(() => worker.core.readNamespacedSecret({ namespace: own, name: 'x' }))).toBe('forbidden');
});

test('it reads what a pod of a run has printed, and gets into none', async () => {
  const reads = worker.core.readNamespacedPodLog({ namespace: own, name: 'absent' });
  await expect(reads).rejects.toMatchObject({ code: 404 }); // allowed, and not there

  for (const name of ['exec', 'attach', 'portforward', 'ephemeralcontainers']) {
    expect([name, await isAllowed({ resource: 'pods', subresource: name, verb: 'create', namespace: own })]).toEqual([name, false]);
  }
  expect(await isAllowed({ resource: 'pods', subresource: 'log', verb: 'get', namespace: own })).toBe(true);
});
