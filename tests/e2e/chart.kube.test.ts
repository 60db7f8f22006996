/** The chart, held to the API server, and the platform that it installs on a real node: from a label to a pull request, through upgrades and back. */
import { ensureHelm } from '../../dev/cluster/src/binaries.ts';
import type { Platform } from '@codex-k8s/contracts/staff';
import { applyObject, connectKube, labels, managedLabels, readManifests } from '@codex-k8s/kube';
import { getRunView, listMigrations } from '@codex-k8s/store';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { externalNamespace, startExternalDatabase, type ExternalDatabase } from './chart-database.ts';
import {
  chartFolder,
  helmFor,
  leastValues,
  namespace,
  prepareNamespace,
  read,
  startOutside,
  useDemoProject,
  writeValues,
  type Helm,
  type Outside,
} from './chart-platform.ts';
import { ensureImage, ensureReleases, nextMigration, type Release } from './test-images.ts';
import type { TrialApi } from './trial-api.ts';
import { trialFolder, until } from './trial-platform.ts';

const kubeconfig = inject('kubeconfig');
const node = inject('realNode');
const kube = connectKube({ kubeconfig });
const folder = trialFolder();
let helm: Helm;

beforeAll(async () => {
  const program = ensureHelm((line) => process.stderr.write(`${line}\n`));
  helm = helmFor({ program, kubeconfig, folder: folder.path });
  await applyObject(kube, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const enforced = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await applyObject(kube, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: restricted, labels: enforced } });
}, 600_000);

afterAll(async () => {
  folder.remove();
  // A namespace with pods that may take a minute to end is looked at again in a minute.
  await kube.core.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 1 });
  await until('the pods to be gone', async () => (await kube.core.listNamespacedPod({ namespace })).items.length === 0);
  // Other stories use the namespace too, and one that is on its way out takes nothing in.
  for (const name of [namespace, restricted]) await kube.core.deleteNamespace({ name });
  const own: readonly (string | undefined)[] = [namespace, restricted, externalNamespace];
  const left = async () => (await kube.core.listNamespace()).items.filter(({ metadata }) => own.includes(metadata?.name));
  await until('the namespaces to be gone', async () => (await left()).length === 0, 100_000);
});

const restricted = 'codex-k8s-restricted';
const inNamespace = ['--namespace', namespace] as const;
const waiting = ['--wait', '--timeout', '5m', ...inNamespace] as const;

describe('the chart', () => {
  const everything = {
    ...leastValues,
    postgresql: { enabled: false },
    externalDatabase: { secret: { name: 'database', readUrlKey: 'read-url' } },
    trustedCertificates: { configMap: 'authorities' },
    secrets: { existingSecret: 'keys' },
    clusterPages: { enabled: true, secrets: true },
    model: { ...leastValues.model, apiKey: { name: 'model' } },
    gateway: { autoscaling: { enabled: true }, trustedProxies: ['10.0.0.0/8'], service: { type: 'LoadBalancer', annotations: { a: 'b' } } },
    controlPlane: { autoscaling: { enabled: true, minReplicas: 3 } },
    ingress: { enabled: true, className: 'nginx', tlsSecret: 'certificate' },
    networkPolicy: { gatewayFrom: [{ namespaceSelector: {} }], metricsFrom: [{ podSelector: {} }] },
    metrics: { enabled: true },
    tracing: { endpoint: 'http://collector:4318' },
    runs: { nodeSelector: { disk: 'ssd' }, tolerations: [{ key: 'agents', operator: 'Exists' }], runtimeClass: 'gvisor' },
    nodeSelector: { zone: 'a' },
    tolerations: [{ key: 'platform', operator: 'Exists' }],
    images: { registry: 'registry.example', pullSecrets: ['pull'] },
  };

  const always = [
    ...['codex-k8s', 'codex-k8s-control-plane', 'codex-k8s-worker'].flatMap((name) => [
      `Deployment/${name}`,
      `PodDisruptionBudget/${name}`,
    ]),
    'Job/codex-k8s-migrate',
    'NetworkPolicy/codex-k8s-deny-all',
    'ClusterRole/codex-k8s-worker',
    'ClusterRole/codex-k8s-agent-observe',
    'ValidatingAdmissionPolicy/codex-k8s-worker-namespaces',
  ];

  test.each([
    [
      'the least values',
      leastValues,
      ['StatefulSet/postgres', 'StatefulSet/postgres-replica', 'Secret/codex-k8s-runtime', 'Secret/codex-k8s-postgres'],
      ['HorizontalPodAutoscaler/codex-k8s', 'Ingress/codex-k8s', 'ClusterRole/codex-k8s-control-plane'],
    ],
    [
      'everything of one’s own',
      everything,
      ['HorizontalPodAutoscaler/codex-k8s', 'Ingress/codex-k8s', 'ClusterRole/codex-k8s-control-plane-secrets'],
      ['StatefulSet/postgres', 'Secret/codex-k8s-runtime', 'Secret/codex-k8s-postgres'],
    ],
  ])('with %s is without fault, and the API server takes each object', async (_name, values, present, absent) => {
    const path = writeValues(folder.path, 'values', values);
    await helm('lint', chartFolder, '--strict', '--values', path, ...inNamespace);
    const objects = readManifests(await helm('template', 'codex-k8s', chartFolder, '--values', path, ...inNamespace));

    const taken = await Promise.all(objects.map((object) => applyObject(kube, object, { isDryRun: true })));

    const names = taken.map(({ kind, metadata }) => `${kind}/${metadata?.name}`);
    expect(names).toEqual(expect.arrayContaining([...always, ...present]));
    expect(names.filter((one) => absent.includes(one))).toEqual([]);
  });

  test('pods of the platform may run where Pod Security is restricted', async () => {
    const path = writeValues(folder.path, 'values', leastValues);
    const objects = readManifests(await helm('template', 'codex-k8s', chartFolder, '--values', path, ...inNamespace));
    const pods = objects.flatMap((object) => podOf(object) ?? []);

    const taken = await Promise.allSettled(pods.map((pod) => applyObject(kube, pod, { isDryRun: true })));

    expect(pods).toHaveLength(8);
    expect(taken.flatMap((one) => (one.status === 'rejected' ? String(one.reason) : []))).toEqual([]);
  });

  test.each([
    [{ ...leastValues, worker: { replicas: 0 } }, "at '/worker/replicas'"],
    [{ ...leastValues, worker: { replicaz: 3 } }, "additional properties 'replicaz' not allowed"],
    [{ ...leastValues, publicUrl: '' }, "at '/publicUrl'"],
    [{ ...leastValues, postgresql: { enabled: false } }, "at '/externalDatabase/secret/name'"],
  ])('%#: a value that cannot work is refused before anything is installed', async (values, problem) => {
    const path = writeValues(folder.path, 'values', values);
    await expect(helm('template', 'codex-k8s', chartFolder, '--values', path, ...inNamespace)).rejects.toThrow(problem);
  });

  /** The pod that an object makes, alone and in the namespace that is restricted. */
  function podOf(object: object): object | undefined {
    const { kind, metadata, spec } = object as { kind: string; metadata: { name: string }; spec: { template?: { spec: object } } }; // rendered above
    const pod = kind === 'Pod' ? spec : spec?.template?.spec;
    if (pod === undefined) return undefined;
    const { serviceAccountName: _, ...rest } = pod as { serviceAccountName?: string }; // which is in the other namespace
    return { apiVersion: 'v1', kind: 'Pod', metadata: { name: metadata.name, namespace: restricted }, spec: withoutClaims(rest) };
  }

  /** A StatefulSet's claim becomes a volume only in its own pods. */
  function withoutClaims(pod: object): object {
    const { volumes = [], containers } = pod as { volumes?: { name: string }[]; containers: { volumeMounts?: { name: string }[] }[] }; // a pod's form
    const names = new Set(volumes.map(({ name }) => name));
    const missing = containers.flatMap(({ volumeMounts = [] }) => volumeMounts).filter(({ name }) => !names.has(name));
    return { ...pod, volumes: [...volumes, ...missing.map(({ name }) => ({ name, emptyDir: {} }))] };
  }
});

describe.skipIf(node === undefined)('installed on the real node (needs root)', () => {
  const fence = '```';
  let outside: Outside;
  let api: TrialApi;
  let adminToken: string;
  let values: object;
  let external: ExternalDatabase;
  let releases: { readonly now: Release; readonly next: Release };

  beforeAll(async () => {
    if (!node) return;
    // All at once: a build waits for disk and registry half of its time. The database is ready long before it is used.
    const [built, agent, postgres] = await Promise.all([
      ensureReleases(node),
      ensureImage('agent', node),
      ensureImage('postgres', node).then(async (image) => {
        external = await startExternalDatabase(kube, { image, node, folder: folder.path });
        return image;
      }),
    ]);
    releases = built;
    outside = await startOutside({ folder: folder.path, node });
    await prepareNamespace(kube, outside.secrets);
    values = { ...outside.values, images: { registry: 'localhost:5000', platform: built.now.image, agent, postgres } };
    await install();
    ({ api, adminToken } = await useDemoProject(outside));
  }, 900_000);

  afterAll(async () => {
    if (outside) await helm('uninstall', 'codex-k8s', '--ignore-not-found', '--wait', ...inNamespace);
    await outside?.[Symbol.asyncDispose]();
    await external?.[Symbol.asyncDispose]();
  });

  async function install(more: object = {}): Promise<void> {
    // Another story may have applied the worker's rights by hand.
    const options = ['--take-ownership', '--wait-for-jobs', ...waiting];
    await helm('install', 'codex-k8s', chartFolder, ...valuesAnd(more), ...options);
  }

  /** Options of Helm, which merges the two. */
  function valuesAnd(more: object): string[] {
    return [values, more].flatMap((some, index) => ['--values', writeValues(folder.path, `values-${index}`, some)]);
  }

  async function runOf(issue: number, kind: string, statuses: readonly string[]) {
    return until(
      `${kind} run of #${issue} to be ${statuses.join(' or ')}`,
      async () =>
        (await api.runs()).find((run) => run.issue_number === issue && run.trigger_kind === kind && statuses.includes(run.status)),
      120_000,
    );
  }

  async function servicePods() {
    const selector = 'app.kubernetes.io/component in (api-gateway,control-plane,worker)';
    const { items } = await kube.core.listNamespacedPod({ namespace, labelSelector: selector });
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  async function podNames(): Promise<string[]> {
    return (await servicePods()).map(({ metadata }) => metadata?.name ?? '');
  }

  async function databasePods(): Promise<Set<string | undefined>> {
    const { items } = await kube.core.listNamespacedPod({ namespace, labelSelector: 'codex-k8s.dev/database=codex-k8s' });
    return new Set(items.map(({ metadata }) => metadata?.uid));
  }

  async function workloads(): Promise<string[]> {
    const kinds = ['Deployment', 'StatefulSet'] as const;
    const lists = await Promise.all(kinds.map((kind) => kube.objects.list('apps/v1', kind, namespace)));
    return lists.flatMap(({ items }, index) => items.map(({ metadata }) => `${kinds[index]}/${metadata?.name}`)).toSorted();
  }

  async function keys(): Promise<object[]> {
    const { items } = await kube.core.listNamespacedSecret({ namespace, labelSelector: 'app.kubernetes.io/component=secrets' });
    return items.map(({ metadata, data }) => ({ name: metadata?.name, data }));
  }

  /** What the last Job of the hook printed. */
  async function migrationLog(): Promise<string> {
    const { items } = await kube.core.listNamespacedPod({ namespace, labelSelector: 'app.kubernetes.io/component=migrate' });
    return kube.core.readNamespacedPodLog({ namespace, name: items[0]?.metadata?.name ?? '' });
  }

  /** Digests of the images that the services' containers were made from. */
  async function servingDigests(): Promise<Set<string | undefined>> {
    const containers = (await servicePods()).flatMap(({ status }) => status?.containerStatuses ?? []);
    return new Set(containers.map(({ imageID }) => imageID.split('@')[1]));
  }

  /** Asks gateway, control plane and database all the time while the work is done: which versions answered, one after the other, and what went wrong. */
  async function whileAsking(work: () => Promise<unknown>): Promise<{ versions: string[]; problems: string[] }> {
    const versions = new Set<string>();
    const problems: string[] = [];
    const done = new AbortController();
    const ask = async (): Promise<void> => {
      await read(`${outside.gatewayUrl}/api/v1/staff/projects`, adminToken);
      versions.add((await read<Platform>(`${outside.gatewayUrl}/api/v1/staff/platform`, adminToken)).version);
    };
    const asking = (async () => {
      while (!done.signal.aborted) {
        await ask().catch((error: unknown) => problems.push(String(error)));
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    })();
    await work().finally(() => done.abort());
    await asking;
    return { versions: [...versions], problems };
  }

  test('helm test says that the gateway answers and how far behind the replica is', async () => {
    const said = await helm('test', 'codex-k8s', '--logs', ...inNamespace);

    expect(said).toContain('the gateway answers 200');
    expect(said).toMatch(/the replica had [0-9A-F/]+ after \d+ ms/);
  });

  test('the console is served, shows the cluster, and nothing is left to migrate', async () => {
    const listed = await fetch(`${outside.gatewayUrl}/api/v1/staff/cluster/deployments?namespace=${namespace}`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });
    const page = await fetch(outside.gatewayUrl);
    const migrated = await migrationLog();

    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<div id="app">')]);
    expect([listed.status, await listed.text()]).toEqual([200, expect.stringContaining('codex-k8s-worker')]);
    expect(JSON.parse(migrated)).toMatchObject({ database: 'postgresql', pending: [] });
  });

  test('a label becomes a reviewed pull request', async () => {
    const issue = await api.createIssue('From the chart', `${fence}file path=docs/chart.txt\nfrom the chart\n${fence}\n`);

    await api.label(issue, 'run:dev');
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);
    const review = await runOf(issue, 'review', ['succeeded', 'failed']);

    expect([run.status, run.failure_message, review.status]).toEqual(['waiting_owner_review', undefined, 'succeeded']);
    expect((await api.run(run.id)).verification).toMatchObject({ confirmed: true });
    expect(await api.fileAt(`codex/issue-${issue}`, 'docs/chart.txt')).toBe('from the chart\n');
  });

  const changes = {
    upgrade: () => helm('upgrade', 'codex-k8s', chartFolder, ...valuesAnd({ images: { platform: releases.next.image } }), ...waiting),
    rollback: () => helm('rollback', 'codex-k8s', '1', ...waiting),
  };

  test.each([
    ['upgrade', 'now', 'next'],
    ['rollback', 'next', 'now'],
  ] as const)(
    '%s, over a migration, replaces every service by another version while a run is at work, which ends as if nothing had been',
    async (name, from, to) => {
      const gate = outside.gate(name);
      const steps = ['file path=docs/first.txt\nx', `sh\n${gate.script}`, `file path=docs/last.txt\n${name}`].map(
        (step) => `${fence}${step}\n${fence}\n`,
      );
      const [before, database, keysBefore] = [await podNames(), await databasePods(), await keys()];
      expect([(await api.platform()).version, await servingDigests()]).toEqual([releases[from].version, new Set([releases[from].digest])]);
      const issue = await api.createIssue(`During ${name}`, steps.join(''));
      await api.label(issue, 'run:dev');
      const { id } = await runOf(issue, 'dev', ['running']);
      await until('the agent at work', async () => ((await api.run(id)).session?.turns ?? 0) > 0, 60_000);

      const { versions, problems } = await whileAsking(changes[name]);
      const { status: meanwhile } = (await api.run(id)).run;
      gate.open();
      const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);

      const pulls = await api.github<object[]>('GET', `/repos/${api.repository}/pulls?state=all&head=demo-owner:codex/issue-${issue}`);
      expect([meanwhile, run.status, run.failure_message, run.attempt]).toEqual(['running', 'waiting_owner_review', undefined, 1]);
      expect((await api.run(id)).verification).toMatchObject({ confirmed: true });
      expect(await api.fileAt(`codex/issue-${issue}`, 'docs/last.txt')).toBe(`${name}\n`);
      expect([pulls.length, (await api.comments(issue)).length]).toEqual([1, 1]);
      expect({ versions, problems }).toEqual({ versions: [releases[from].version, releases[to].version], problems: [] });
      expect([(await api.platform()).version, await servingDigests()]).toEqual([releases[to].version, new Set([releases[to].digest])]);
      const after = await podNames();
      expect(after.filter((pod) => before.includes(pod))).toEqual([]);
      expect([await databasePods(), await keys()]).toEqual([database, keysBefore]);
    },
  );

  test('the upgrade has migrated before, and the rollback left it so', async () => {
    expect(JSON.parse(await migrationLog())).toMatchObject({ pending: [nextMigration.name], applied: [nextMigration.name] });
  });

  test('uninstalling leaves the data, its keys and the namespaces of runs, and installing again finds them', async () => {
    const atRest = async () => {
      const runs = (await api.runs()).map(({ id, status }) => ({ id, status }));
      return runs.every(({ status }) => ['waiting_owner_review', 'succeeded'].includes(status)) && runs;
    };
    const runs = await until('the reviews to end', atRest);
    const keysBefore = await keys();

    await helm('uninstall', 'codex-k8s', '--wait', ...inNamespace);
    const { items: claims } = await kube.core.listNamespacedPersistentVolumeClaim({ namespace });
    const ofRuns = await kube.core.listNamespace({ labelSelector: `${labels.managedBy}=${managedLabels[labels.managedBy]}` });
    const roles = await kube.objects.list('rbac.authorization.k8s.io/v1', 'ClusterRole');
    const keysAfter = await keys();
    await install();
    await until('the gateway', async () => (await fetch(`${outside.gatewayUrl}/readyz`).catch(() => undefined))?.ok, 60_000);

    expect(new Set(claims.map(({ metadata }) => metadata?.name))).toEqual(new Set(['data-postgres-0', 'data-postgres-replica-0']));
    expect(ofRuns.items).not.toEqual([]);
    expect(roles.items.filter(({ metadata }) => metadata?.name === 'codex-k8s-worker')).toEqual([]);
    expect(keysAfter).toEqual(keysBefore);
    expect(await atRest()).toEqual(runs);
  });

  test('an external database that refuses the password fails the installation, which says so and leaves nothing running', async () => {
    await helm('uninstall', 'codex-k8s', '--wait', ...inNamespace);
    await external.ready();
    await external.tellPlatform('wrong');

    const installing = install({ ...external.values, migrations: { timeoutSeconds: 15 } });

    await expect(installing).rejects.toThrow(/password authentication failed for user .*platform.*failed pre-install/s);
    expect(await workloads()).toEqual([]);
    await helm('uninstall', 'codex-k8s', '--wait', ...inNamespace);
  });

  test('with an external database it is migrated by the hook, and a label becomes a reviewed pull request there, over TLS', async () => {
    await external.tellPlatform();
    await install({ ...external.values, runs: { namespacePrefix: 'external' } });
    const migrated = await migrationLog();
    ({ api, adminToken } = await useDemoProject(outside));
    const issue = await api.createIssue('From elsewhere', `${fence}file path=docs/external.txt\nfrom elsewhere\n${fence}\n`);

    await api.label(issue, 'run:dev');
    const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);
    const review = await runOf(issue, 'review', ['succeeded', 'failed']);

    const names = listMigrations().map(({ name }) => name);
    expect(JSON.parse(migrated)).toEqual({ database: 'postgresql', pending: names, applied: names });
    expect([run.status, run.failure_message, review.status]).toEqual(['waiting_owner_review', undefined, 'succeeded']);
    expect((await api.run(run.id)).verification).toMatchObject({ confirmed: true });
    expect(await getRunView(external.store.db, run.id)).toMatchObject({ status: 'waiting_owner_review', issueNumber: issue });
    expect(await external.countReaders()).toBeGreaterThan(0);
    expect(await workloads()).toEqual(['Deployment/codex-k8s', 'Deployment/codex-k8s-control-plane', 'Deployment/codex-k8s-worker']);
  });
});
