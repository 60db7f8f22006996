import { randomUUID } from 'node:crypto';
import { afterAll, expect, inject, test, vi } from 'vitest';
import { applyObject, checkVersion, connectKube } from './client.ts';
import type { RunJobInput } from './manifests/run-job.ts';
import { readPodTail } from './pod-tail.ts';
import { podTrouble } from './pod-trouble.ts';
import { applyRunJob, attemptOf, deleteRunJob, isAlive, watchRunEvents, watchRunJobs, watchRunPods, type RunEvent } from './run-jobs.ts';
import { applyRunNamespace } from './run-namespaces.ts';
import { jobName, labels, projectNamespace } from './words.ts';

const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const made: string[] = [];
const failures: unknown[] = [];
const jobs = watchRunJobs(kube, { onError: (error) => failures.push(error) });
const pods = watchRunPods(kube, { onError: (error) => failures.push(error) });

afterAll(async () => {
  await jobs[Symbol.asyncDispose]();
  await pods[Symbol.asyncDispose]();
  for (const name of made) await kube.core.deleteNamespace({ name });
});

async function aNamespace(): Promise<{ namespace: string; projectId: string }> {
  const projectId = randomUUID();
  const namespace = projectNamespace('ck-test', projectId);
  await applyRunNamespace(kube, { namespace, mode: 'code-only', projectId, pods: 5 });
  made.push(namespace);
  return { namespace, projectId };
}

async function aRun(settings: Partial<RunJobInput> = {}): Promise<RunJobInput> {
  return {
    ...(settings.namespace === undefined ? await aNamespace() : { namespace: settings.namespace, projectId: randomUUID() }),
    mode: 'code-only',
    runId: randomUUID(),
    attempt: 1,
    correlationId: 'c-1',
    image: 'none.invalid/none:1',
    environment: { CODEXK8S_RUN_ID: 'x' },
    secrets: { CODEXK8S_RUN_TOKEN: 'the-token' },
    resources: { cpu: '10m', memory: '16Mi', cpuLimit: '1', memoryLimit: '64Mi' },
    nodeSelector: { type: 'kwok' },
    tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
    ...settings,
  };
}

test('the cluster says its version', async () => {
  expect(await checkVersion(kube)).toMatch(/^v1\.\d+/);
});

test('a namespace is applied again and again, and a foreign one is left alone', async () => {
  const { namespace, projectId } = await aNamespace();
  await applyRunNamespace(kube, { namespace, mode: 'code-only', projectId, pods: 5 });
  const foreign = `ck-foreign-${randomUUID().slice(0, 8)}`;
  await kube.core.createNamespace({ body: { metadata: { name: foreign } } });
  made.push(foreign);

  const quota = await kube.core.readNamespacedResourceQuota({ name: 'codex-run-quota', namespace });
  expect(quota.spec?.hard).toMatchObject({ pods: '5' });
  await expect(applyRunNamespace(kube, { namespace: foreign, mode: 'code-only', projectId, pods: 5 })).rejects.toMatchObject({
    code: 'kube.not_ours',
  });
});

test('a namespace that goes away takes no run', async () => {
  const { namespace, projectId } = await aNamespace();
  const hanging = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'hangs', namespace, finalizers: ['example.com/hangs'] } };
  await applyObject(kube, hanging);
  await kube.core.deleteNamespace({ name: namespace });

  await expect(applyRunNamespace(kube, { namespace, mode: 'code-only', projectId, pods: 5 })).rejects.toMatchObject({
    code: 'kube.namespace_terminating',
  });

  await kube.core.replaceNamespacedConfigMap({
    name: 'hangs',
    namespace,
    body: { metadata: { name: 'hangs', namespace, finalizers: [] } },
  });
  made.splice(made.indexOf(namespace), 1);
});

test('an attempt is seen at once, runs to its end, and takes its Secret along', async () => {
  const run = await aRun();
  const { namespace } = run;

  const job = await applyRunJob(kube, run);
  jobs.put(job);
  const again = await applyRunJob(kube, run);

  const mine = async () => (await jobs.all()).filter((one) => attemptOf(one)?.runId === run.runId);
  expect((await mine()).map((one) => [attemptOf(one), isAlive(one)])).toEqual([[{ runId: run.runId, attempt: 1 }, true]]);
  expect(again.metadata?.uid).toBe(job.metadata?.uid);
  const secret = await kube.core.readNamespacedSecret({ name: jobName(run), namespace });
  expect(Buffer.from(secret.data?.['CODEXK8S_RUN_TOKEN'] ?? '', 'base64').toString()).toBe('the-token');
  await vi.waitFor(async () => expect((await mine()).map(isAlive)).toEqual([false]), { timeout: 30_000, interval: 100 });
  const held = [...(await mine()), ...(await pods.of(run.runId))].map((one) => Object.keys(JSON.parse(JSON.stringify(one))).toSorted());
  expect(held).toEqual([
    ['metadata', 'status'],
    ['metadata', 'status'],
  ]);

  await deleteRunJob(kube, { job, graceSec: 0 });

  const left = async () => ({
    jobs: (await mine()).length,
    pods: (await pods.all()).filter((pod) => attemptOf(pod)?.runId === run.runId).length,
    secrets: (await kube.core.listNamespacedSecret({ namespace, labelSelector: `${labels.runId}=${run.runId}` })).items.length,
  });
  await vi.waitFor(async () => expect(await left()).toEqual({ jobs: 0, pods: 0, secrets: 0 }), { timeout: 30_000, interval: 200 });
});

test('a newer Job of the same name is not deleted in place of the older', async () => {
  const run = await aRun();
  const { metadata } = await applyRunJob(kube, run);
  const older = { metadata: { name: metadata?.name ?? '', namespace: run.namespace, uid: randomUUID() } };

  const act = deleteRunJob(kube, { job: older, graceSec: 0 });

  await expect(act).rejects.toMatchObject({ code: 'kube.conflict' });
});

test('a full cluster is told from a missing image', async () => {
  const full = await aRun({ nodeSelector: { type: 'nowhere' } });
  await applyRunJob(kube, full);

  const trouble = async () => {
    const pod = (await pods.all()).find((one) => attemptOf(one)?.runId === full.runId);
    return pod && podTrouble(pod)?.code;
  };
  await vi.waitFor(async () => expect(await trouble()).toBe('run.unschedulable'), { timeout: 20_000, interval: 100 });
});

test.skipIf(inject('realNode') === undefined)('an image that is not there is named (needs the real node)', async () => {
  const run = await aRun({ nodeSelector: { 'kubernetes.io/hostname': 'node1' }, image: 'localhost:5000/absent:1' });
  await applyRunJob(kube, run);

  const trouble = async () => {
    const pod = (await pods.all()).find((one) => attemptOf(one)?.runId === run.runId);
    return pod && podTrouble(pod);
  };
  const expected = { code: 'run.image_unavailable', message: expect.stringContaining('localhost:5000/absent:1'), isOver: false };
  await vi.waitFor(async () => expect(await trouble()).toEqual(expected), { timeout: 60_000, interval: 200 });
});

test('refusals of the cluster are told apart', async () => {
  const { namespace } = await aNamespace();
  const stranger = connectKube({ kubeconfig: inject('kubeconfig') });
  stranger.config.users = [{ name: 'nobody', token: 'nonsense' }];
  stranger.config.contexts = stranger.config.contexts.map((context) => ({ ...context, user: 'nobody' }));
  const privileged = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'privileged', namespace },
    spec: { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] },
  };
  const invalid = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'Not_A_Name', namespace } };
  const bomb = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'bomb', namespace, annotations: { big: 'x'.repeat(1024 * 1024) } },
  };

  await expect(applyObject(kube, privileged)).rejects.toMatchObject({
    code: 'kube.rejected',
    message: expect.stringContaining('privileged'),
  });
  await expect(applyObject(kube, invalid)).rejects.toMatchObject({ code: 'kube.rejected' });
  await expect(applyObject(kube, bomb)).rejects.toMatchObject({ code: 'kube.rejected', message: expect.stringContaining('Too long') });
  await expect(checkVersion(stranger)).rejects.toMatchObject({ code: 'kube.unauthorized' });
});

test('a cluster that is not there is unavailable, and a file that names none is a wrong configuration', async () => {
  const away = connectKube({ kubeconfig: inject('kubeconfig') });
  away.config.clusters = away.config.clusters.map((cluster) => ({ ...cluster, server: 'https://127.0.0.1:1' }));

  await expect(checkVersion(away)).rejects.toMatchObject({ code: 'kube.unavailable' });
  expect(() => connectKube({ kubeconfig: '/nowhere' })).toThrow(expect.objectContaining({ code: 'config.invalid' }));
});

test('the watch has lost nothing meanwhile', () => {
  expect(failures).toEqual([]);
});

test('what the cluster says about an attempt is told once, by whichever way it came', async () => {
  const told: RunEvent[] = [];
  await using _first = watchRunEvents(kube, { onError: (error) => failures.push(error), onEvent: (event) => told.push(event) });
  const run = await aRun();
  await applyRunJob(kube, run);
  const mine = () => told.filter(({ runId }) => runId === run.runId);
  await vi.waitFor(
    () => expect(mine().map(({ reason }) => reason)).toEqual(expect.arrayContaining(['SuccessfulCreate', 'Scheduled', 'Completed'])),
    {
      timeout: 30_000,
      interval: 100,
    },
  );
  const live = mine().map(({ uid }) => uid);
  const again: RunEvent[] = [];
  await using _later = watchRunEvents(kube, { onError: (error) => failures.push(error), onEvent: (event) => again.push(event) });
  await vi.waitFor(() =>
    expect(again.filter(({ runId }) => runId === run.runId).map(({ uid }) => uid)).toEqual(expect.arrayContaining(live)),
  );

  expect(new Set(live).size).toBe(live.length);
  expect([...told, ...again].every(({ at }) => Math.abs(Date.now() - at.getTime()) < 3_600_000)).toBe(true);
  expect(failures).toEqual([]);
});

test('an object that lacks what every object has is told to nobody and harms nobody', async () => {
  const { namespace } = await aNamespace();
  const name = `codex-k8s-run-${randomUUID()}-1-x`;
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'bare', namespace },
    involvedObject: { kind: 'Pod', name, namespace },
  };
  const told: RunEvent[] = [];
  await using _watch = watchRunEvents(kube, { onError: (error) => failures.push(error), onEvent: (one) => told.push(one) });

  await applyObject(kube, event);

  await vi.waitFor(() => expect(told.filter((one) => one.name === name)).toMatchObject([{ reason: '', message: '', isWarning: false }]), {
    timeout: 10_000,
  });
});

test('a pod that is gone, and one that has printed nothing, have an empty log', async () => {
  const run = await aRun();
  await applyRunJob(kube, run);
  const pod = await vi.waitFor(
    async () => {
      const mine = (await pods.all()).find((one) => attemptOf(one)?.runId === run.runId);
      if (!mine) throw new Error('no pod yet');
      return mine;
    },
    { timeout: 20_000, interval: 100 },
  );
  const absent = { metadata: { name: 'absent', namespace: run.namespace } };

  expect(await readPodTail(kube, absent, { lines: 10 })).toEqual([]);
  expect(await readPodTail(kube, pod, { lines: 10 })).toEqual([]);
});
