/**
 * The RBAC matrix, proven: what each profile may do in the namespace of its run and what it may not do anywhere, asked of the authorizer and
 * tried with the agent's own token; and the ways around RBAC, which the admission policies close (reference §5.4).
 */
import { randomUUID } from 'node:crypto';
import { clusterProfiles, type ClusterProfile } from '@codex-k8s/domain';
import { applyObject, applyRunNamespace, connectKube, listClusterObjects, runNamespace, runnerAccount, type Kube } from '@codex-k8s/kube';
import { AuthorizationV1Api, PatchStrategy, type KubernetesObject } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { actAs, attempt, type Outcome } from './act-as.ts';
import { installRights, rightsManifests } from './install-rights.ts';

const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const authorizer = kube.config.makeApiClient(AuthorizationV1Api);
const projectId = randomUUID();
const namespaceOf = new Map<ClusterProfile, string>();
const agentOf = new Map<ClusterProfile, Kube>();
const elsewhere = `ck-elsewhere-${projectId.slice(0, 8)}`;

beforeAll(async () => {
  await installRights(kube);
  await kube.core.createNamespace({ body: { metadata: { name: elsewhere } } });
  for (const profile of clusterProfiles) {
    const runId = randomUUID();
    const namespace = runNamespace('ck-rights', { projectId, issueNumber: 1, runId });
    await applyRunNamespace(kube, { namespace, mode: 'full-env', projectId, pods: 5, runId, profile });
    namespaceOf.set(profile, namespace);
    agentOf.set(profile, await actAs(kube, { namespace, name: runnerAccount }));
    await kube.core.createNamespacedSecret({ namespace, body: { metadata: { name: 'database' }, stringData: { password: 'hidden' } } });
  }
  // Policies take effect a moment after they are stored.
  await vi.waitFor(async () => expect(await outcome('develop', podWith({ volumes: [secretVolume] }))).toBe('rejected'), {
    timeout: 30_000,
    interval: 300,
  });
}, 60_000);

afterAll(async () => {
  for (const name of [...namespaceOf.values(), elsewhere]) await kube.core.deleteNamespace({ name });
});

function place(profile: ClusterProfile): { agent: Kube; namespace: string } {
  const [agent, namespace] = [agentOf.get(profile), namespaceOf.get(profile)];
  if (!agent || namespace === undefined) throw new Error(`no namespace for ${profile}`);
  return { agent, namespace };
}

const look = ['get', 'list', 'watch'];
const change = ['create', 'update', 'patch', 'delete'];

/** group/resource[/subresource] -> verbs each profile has; every other verb of the row is denied to it. */
const matrix: Readonly<Record<string, Readonly<Record<ClusterProfile, readonly string[]>>>> = {
  '/pods': { observe: look, review: look, test: look, develop: [...look, ...change] },
  '/pods/log': { observe: look, review: look, test: look, develop: look },
  '/pods/exec': { observe: [], review: ['get', 'create'], test: ['get', 'create'], develop: ['get', 'create'] },
  '/pods/attach': { observe: [], review: ['get', 'create'], test: ['get', 'create'], develop: ['get', 'create'] },
  '/pods/portforward': { observe: [], review: ['get', 'create'], test: ['get', 'create'], develop: ['get', 'create'] },
  '/pods/ephemeralcontainers': { observe: [], review: [], test: [], develop: [] },
  '/pods/eviction': { observe: [], review: [], test: [], develop: [] },
  '/secrets': { observe: [], review: [], test: [], develop: [] },
  '/serviceaccounts': { observe: look, review: look, test: look, develop: [...look, ...change] },
  '/serviceaccounts/token': { observe: [], review: [], test: [], develop: [] },
  '/services': { observe: look, review: look, test: look, develop: [...look, ...change] },
  '/configmaps': { observe: look, review: look, test: look, develop: [...look, ...change] },
  '/persistentvolumeclaims': { observe: look, review: look, test: look, develop: [...look, ...change] },
  '/events': { observe: look, review: look, test: look, develop: look },
  '/resourcequotas': { observe: look, review: look, test: look, develop: look },
  '/limitranges': { observe: look, review: look, test: look, develop: look },
  'apps/deployments': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'apps/deployments/scale': { observe: [], review: [], test: [], develop: [...look, ...change] },
  'apps/statefulsets': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'apps/daemonsets': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'apps/replicasets': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'batch/jobs': { observe: look, review: look, test: [...look, ...change], develop: [...look, ...change] },
  'batch/cronjobs': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'networking.k8s.io/ingresses': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'networking.k8s.io/networkpolicies': { observe: look, review: look, test: look, develop: look },
  'autoscaling/horizontalpodautoscalers': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'policy/poddisruptionbudgets': { observe: look, review: look, test: look, develop: [...look, ...change] },
  'rbac.authorization.k8s.io/roles': { observe: [], review: [], test: [], develop: [] },
  'rbac.authorization.k8s.io/rolebindings': { observe: [], review: [], test: [], develop: [] },
};
const verbs = [...look, ...change];

/** What nobody may do, in a foreign namespace or in the cluster as a whole. */
const never = [
  ['', 'namespaces'],
  ['', 'nodes'],
  ['', 'persistentvolumes'],
  ['', 'secrets'],
  ['storage.k8s.io', 'storageclasses'],
  ['networking.k8s.io', 'ingressclasses'],
  ['apiextensions.k8s.io', 'customresourcedefinitions'],
  ['admissionregistration.k8s.io', 'validatingadmissionpolicies'],
  ['rbac.authorization.k8s.io', 'clusterroles'],
  ['rbac.authorization.k8s.io', 'clusterrolebindings'],
] as const;

interface Question {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly verb: string;
  readonly namespace?: string | undefined;
}

async function isAllowed(profile: ClusterProfile, { namespace, ...attributes }: Question): Promise<boolean> {
  const own = place(profile).namespace;
  const { status } = await authorizer.createSubjectAccessReview({
    body: {
      spec: {
        user: `system:serviceaccount:${own}:${runnerAccount}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${own}`, 'system:authenticated'],
        resourceAttributes: { ...attributes, ...(namespace !== undefined && { namespace }) },
      },
    },
  });
  return status?.allowed ?? false;
}

const secretVolume = { name: 'v', secret: { secretName: 'database' } };
const restricted = {
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
};
const container = { name: 'c', image: 'i', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } };

interface PodParts {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly volumes?: readonly object[];
  readonly container?: object;
  readonly spec?: object;
}

function podSpec({ volumes = [], container: more = {}, spec = {} }: PodParts): object {
  return { restartPolicy: 'Never', ...restricted, containers: [{ ...container, ...more }], volumes, ...spec };
}

function podWith(parts: PodParts): KubernetesObject {
  const { name = 'agent-try', labels = {} } = parts;
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: podSpec(parts) } as KubernetesObject;
}

/** The same pod by way of every object that makes pods. */
function workloadsWith(parts: PodParts): KubernetesObject[] {
  const labels = { app: 'agent-try', ...parts.labels };
  const spec = podSpec(parts) as { restartPolicy?: string };
  const forever = { metadata: { labels }, spec: { ...spec, restartPolicy: 'Always' } };
  const once = { metadata: { labels }, spec };
  const selector = { matchLabels: { app: 'agent-try' } };
  const metadata = { name: 'agent-try' };
  const list = [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector, template: forever } },
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { selector, template: forever } },
    { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: { selector, template: forever } },
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec: { selector, serviceName: 'x', template: forever } },
    { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template: once } },
    { apiVersion: 'batch/v1', kind: 'CronJob', metadata, spec: { schedule: '* * * * *', jobTemplate: { spec: { template: once } } } },
  ];
  return list;
}

function placed(object: KubernetesObject, namespace: string): KubernetesObject {
  const { name = '', labels = {}, annotations = {} } = object.metadata ?? {};
  return { ...object, metadata: { name, labels, annotations, namespace } };
}

/** What the API server says to a creation by the agent; nothing is kept. */
async function outcome(profile: ClusterProfile, object: KubernetesObject): Promise<Outcome> {
  const { agent, namespace } = place(profile);
  return attempt(() => agent.objects.create(placed(object, namespace), undefined, 'All'));
}

describe.each(clusterProfiles)('an agent of the profile %s', (profile) => {
  test('has exactly the rights of the table in its namespace, and none in another', async () => {
    const { namespace } = place(profile);
    const wrong: string[] = [];
    await Promise.all(
      Object.entries(matrix).map(async ([key, allowed]) => {
        const [group = '', resource = '', subresource] = key.split('/');
        for (const verb of verbs) {
          const question = { group, resource, subresource, verb };
          const here = await isAllowed(profile, { ...question, namespace });
          if (here !== allowed[profile].includes(verb)) wrong.push(`${verb} ${key}: ${here ? 'allowed' : 'denied'}`);
          if (await isAllowed(profile, { ...question, namespace: elsewhere })) wrong.push(`${verb} ${key} in another namespace: allowed`);
          if (await isAllowed(profile, question)) wrong.push(`${verb} ${key} in all namespaces: allowed`);
        }
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('has no right to what belongs to the cluster', async () => {
    const wrong: string[] = [];
    for (const [group, resource] of never) {
      for (const verb of [...verbs, 'deletecollection', 'escalate', 'bind', 'impersonate']) {
        if (await isAllowed(profile, { group, resource, verb })) wrong.push(`${verb} ${group}/${resource}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('reads what runs, with its own token, and no Secret', async () => {
    const { agent, namespace } = place(profile);

    const pods = await attempt(() => agent.core.listNamespacedPod({ namespace }));
    const listed = await attempt(() => agent.core.listNamespacedSecret({ namespace }));
    const read = await attempt(() => agent.core.readNamespacedSecret({ namespace, name: 'database' }));
    const foreign = await attempt(() => agent.core.listNamespacedPod({ namespace: elsewhere }));
    const all = await attempt(() => agent.core.listPodForAllNamespaces());

    expect([pods, listed, read, foreign, all]).toEqual(['done', 'forbidden', 'forbidden', 'forbidden', 'forbidden']);
  });

  test('creates only what its profile may', async () => {
    const expected = {
      observe: Array.from({ length: 6 }, () => 'forbidden'),
      review: Array.from({ length: 6 }, () => 'forbidden'),
      test: ['forbidden', 'forbidden', 'forbidden', 'forbidden', 'done', 'forbidden'],
      develop: Array.from({ length: 6 }, () => 'done'),
    };

    const seen: string[] = [];
    for (const object of workloadsWith({})) seen.push(await outcome(profile, object));

    expect(seen).toEqual(expected[profile]);
  });
});

describe('around the Secrets of the namespace there is no way', () => {
  const ways: readonly [string, PodParts][] = [
    ['a mounted Secret', { volumes: [secretVolume] }],
    ['a projected Secret', { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'database' } }] } }] }],
    ['a CSI volume', { volumes: [{ name: 'v', csi: { driver: 'x.example.com', nodePublishSecretRef: { name: 'database' } } }] }],
    [
      'one key in the environment',
      { container: { env: [{ name: 'P', valueFrom: { secretKeyRef: { name: 'database', key: 'password' } } }] } },
    ],
    ['the whole environment', { container: { envFrom: [{ secretRef: { name: 'database' } }] } }],
    ['an init container', { spec: { initContainers: [{ ...container, name: 'init', envFrom: [{ secretRef: { name: 'database' } }] }] } }],
    ['an image pull Secret', { spec: { imagePullSecrets: [{ name: 'database' }] } }],
    ['another service account', { spec: { serviceAccountName: 'of-the-stack' } }],
  ];

  test.each(ways)('by %s', async (_, parts) => {
    await applyObject(kube, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'of-the-stack', namespace: place('develop').namespace },
    });
    const seen = [];
    for (const object of [podWith(parts), ...workloadsWith(parts)]) seen.push(await outcome('develop', object));

    expect(seen).toEqual(Array.from({ length: 7 }, () => 'rejected'));
    expect(await outcome('test', workloadsWith(parts)[4] ?? {})).toBe('rejected');
  });

  test('by a token of another service account, or a Secret that holds one', async () => {
    const { agent, namespace } = place('develop');
    const body = { spec: { audiences: [] } };
    const token = await attempt(() => agent.core.createNamespacedServiceAccountToken({ namespace, name: 'default', body }));
    const metadata = { name: 'token', annotations: { 'kubernetes.io/service-account.name': 'default' } };
    const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata };
    const tied = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'mine' }, imagePullSecrets: [{ name: 'database' }] };

    expect([token, await outcome('develop', secret), await outcome('develop', tied)]).toEqual(['forbidden', 'forbidden', 'rejected']);
  });

  test('by a shell in a pod that has one, by an ephemeral container in it, or by changing it', async () => {
    const { agent, namespace } = place('develop');
    const held = { schedulingGates: [{ name: 'example.com/held' }] }; // nobody else changes it meanwhile
    const victim = podWith({ name: 'stack', volumes: [secretVolume], spec: held });
    await applyObject(kube, placed(victim, namespace));
    const exec = (name: string) => attempt(() => agent.core.connectPostNamespacedPodExec({ name, namespace, command: 'id' }));
    const attach = attempt(() => agent.core.connectPostNamespacedPodAttach({ name: 'stack', namespace }));
    const ephemeral = { spec: { ephemeralContainers: [{ ...container, name: 'look' }] } };
    const lookIn = attempt(() => agent.core.patchNamespacedPodEphemeralcontainers({ name: 'stack', namespace, body: ephemeral }));
    const [present] = (await kube.core.listNamespacedPod({ namespace, fieldSelector: 'metadata.name=stack' })).items;
    const changed = structuredClone(present);
    delete changed?.metadata?.resourceVersion;
    if (changed?.spec?.containers[0]) changed.spec.containers[0].image = 'evil';
    const change = attempt(() => agent.core.replaceNamespacedPod({ name: 'stack', namespace, body: changed ?? {}, dryRun: 'All' }));

    expect([await exec('stack'), await attach, await lookIn, await change]).toEqual(['rejected', 'rejected', 'forbidden', 'rejected']);
  });

  test('by a pod of the agreed name that somebody else gives a Secret', async () => {
    const { namespace } = place('develop');
    const pod = podWith({ name: 'agent-trap', volumes: [secretVolume] });

    const made = attempt(() => kube.objects.create(placed(pod, namespace), undefined, 'All'));

    expect(await made).toBe('rejected');
  });
});

test("the policies stand in nobody else's way", async () => {
  const { namespace } = place('develop');
  const map = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'codex-of-the-platform', namespace, labels: { 'codex-k8s.dev/x': 'y' } },
  };

  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'ck-rights-test' }, rules: [] };
  const applied = [map, role, ...rightsManifests()].map((object) =>
    attempt(() => kube.objects.patch(object, undefined, 'All', 'test', true, PatchStrategy.ServerSideApply)),
  );

  expect(new Set(await Promise.all(applied))).toEqual(new Set(['done']));
});

describe('what marks objects of the platform is not for agents', () => {
  const reserved = { 'codex-k8s.dev/run-id': randomUUID() };

  test.each([
    ['a pod with a label of the platform', podWith({ labels: reserved })],
    ['a pod with a name of the platform', podWith({ name: 'codex-k8s-run-0-1' })],
    ...workloadsWith({ labels: reserved }).map((object): [string, KubernetesObject] => [`a ${object.kind} whose pods have one`, object]),
  ])('%s', async (_, object) => {
    expect(await outcome('develop', object)).toBe('rejected');
  });

  test('neither its kubeconfig nor its account can be changed or removed', async () => {
    const { agent, namespace } = place('develop');
    const metadata = { name: 'codex-kubeconfig', namespace };

    const changed = attempt(() => agent.core.replaceNamespacedConfigMap({ ...metadata, body: { metadata, data: { config: 'mine' } } }));
    const removed = attempt(() => agent.core.deleteNamespacedConfigMap({ ...metadata }));
    const account = attempt(() => agent.core.deleteNamespacedServiceAccount({ name: runnerAccount, namespace }));
    const several = attempt(() => agent.core.deleteCollectionNamespacedConfigMap({ namespace, dryRun: 'All' }));

    expect([await changed, await removed, await account, await several]).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
  });

  test('a privileged pod, the host and a way past the quota stay closed', async () => {
    const { agent, namespace } = place('develop');
    const privileged = await outcome('develop', podWith({ container: { securityContext: { privileged: true } } }));
    const host = await outcome('develop', podWith({ spec: { hostNetwork: true } }));
    const quota = attempt(() => agent.core.deleteNamespacedResourceQuota({ name: 'codex-run-quota', namespace }));
    const open = attempt(() =>
      agent.objects.create({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'open', namespace } }),
    );

    expect([privileged, host, await quota, await open]).toEqual(['rejected', 'rejected', 'forbidden', 'forbidden']);
  });
});

test('however large the objects of an agent are, their number is limited, and the pages of the cluster go on to answer', async () => {
  const { agent, namespace } = place('develop');
  const name = 'codex-run-quota';
  await vi.waitFor(
    async () => {
      const { status } = await kube.core.readNamespacedResourceQuota({ name, namespace });
      expect(status?.used).toHaveProperty('count/configmaps');
    },
    { timeout: 60_000, interval: 300 },
  );
  const annotations = { bomb: 'x'.repeat(250 * 1024) };
  const data = { bomb: 'x'.repeat(700 * 1024) };
  const bomb = (n: number) =>
    attempt(() => agent.core.createNamespacedConfigMap({ namespace, body: { metadata: { name: `bomb-${n}`, annotations }, data } }));

  const outcomes: Outcome[] = [];
  for (let n = 0; n < 60 && outcomes.at(-1) !== 'forbidden'; n += 1) outcomes.push(await bomb(n));
  const { objects } = await listClusterObjects(kube, { kind: 'configmaps', namespace, limit: 100 });
  const small = await attempt(() => kube.core.createNamespacedConfigMap({ namespace: elsewhere, body: { metadata: { name: 'small' } } }));

  expect(outcomes.at(-1)).toBe('forbidden'); // by the quota
  expect(outcomes.filter((one) => one === 'done').length).toBeLessThanOrEqual(50);
  expect(outcomes.filter((one) => one === 'done').length).toBeGreaterThan(40); // some are of the cluster and of the platform
  expect(objects).toHaveLength(50);
  expect(JSON.stringify(objects).length).toBeLessThan(64 * 1024);
  expect(small).toBe('done');
});
