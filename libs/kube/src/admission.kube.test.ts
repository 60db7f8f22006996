/** What others have installed in the cluster may refuse what we make: each refusal has a code and says who refused, and only who it is for is refused. */
import { randomUUID } from 'node:crypto';
import type { KubernetesObject } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { applyObject, connectKube } from './client.ts';
import type { RunJobInput } from './manifests/run-job.ts';
import { applyRunJob, watchRunEvents, type RunEvent } from './run-jobs.ts';
import { applyRunNamespace } from './run-namespaces.ts';
import { projectNamespace } from './words.ts';

const kube = connectKube({ kubeconfig: inject('kubeconfig') });
const namespaces: string[] = [];
const others: KubernetesObject[] = [];
let free: RunJobInput;

beforeAll(async () => {
  free = await aRun();
});
afterAll(async () => {
  for (const object of others) await kube.objects.delete(object);
  for (const name of namespaces) await kube.core.deleteNamespace({ name });
});

async function aRun(): Promise<RunJobInput> {
  const projectId = randomUUID();
  const namespace = projectNamespace('ck-admission', projectId);
  await applyRunNamespace(kube, { namespace, mode: 'code-only', projectId, pods: 5 });
  namespaces.push(namespace);
  return {
    namespace,
    projectId,
    mode: 'code-only',
    runId: randomUUID(),
    attempt: 1,
    correlationId: 'c-1',
    image: 'none.invalid/none:1',
    environment: {},
    secrets: { CODEXK8S_RUN_TOKEN: 'the-token' },
    resources: { cpu: '10m', memory: '16Mi', cpuLimit: '1', memoryLimit: '64Mi' },
    nodeSelector: { type: 'kwok' },
    tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
  };
}

async function install(object: KubernetesObject): Promise<void> {
  others.push(await applyObject(kube, object));
}

const only = (namespace: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': namespace } });

interface Rule {
  readonly group: string;
  readonly resource: string;
}
const jobs: Rule = { group: 'batch', resource: 'jobs' };

async function installWebhook(name: string, { namespace }: RunJobInput, clientConfig: object, { group, resource }: Rule = jobs) {
  const webhook = {
    name: `${name}.example.com`,
    clientConfig,
    rules: [{ apiGroups: [group], apiVersions: ['v1'], operations: ['CREATE'], resources: [resource] }],
    namespaceSelector: only(namespace),
    failurePolicy: 'Fail',
    sideEffects: 'None',
    timeoutSeconds: 1,
    admissionReviewVersions: ['v1'],
  };
  const metadata = { name: `ck-${name}-${randomUUID().slice(0, 8)}` };
  const object = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata, webhooks: [webhook] };
  await install(object);
}

const nobody = { service: { name: 'absent', namespace: 'default', path: '/' } };

test.each([
  ['absent', nobody, 'not found'],
  ['hanging', { url: 'https://10.255.255.1/' }, 'failed to call webhook'], // routed to nowhere
])('a webhook that is %s refuses for itself, and a run elsewhere begins', async (name, clientConfig, why) => {
  const run = await aRun();
  await installWebhook(name, run, clientConfig);

  const refused = async () =>
    expect(applyRunJob(kube, run)).rejects.toMatchObject({
      code: 'kube.webhook_failed',
      message: expect.stringMatching(new RegExp(`${name}\\.example\\.com.*${why}`)),
    });
  await vi.waitFor(refused, { timeout: 20_000, interval: 300 });
  const elsewhere = await applyRunJob(kube, { ...free, runId: randomUUID() });

  expect(elsewhere.metadata?.namespace).toBe(free.namespace);
});

test('a policy that denies the Job is named with its words, and a run elsewhere begins', async () => {
  const run = await aRun();
  const metadata = { name: `ck-no-jobs-${randomUUID().slice(0, 8)}` };
  const rules = [{ apiGroups: ['batch'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['jobs'] }];
  const validations = [{ expression: 'false', message: 'No Jobs on Fridays.' }];
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const matchConstraints = { namespaceSelector: only(run.namespace), resourceRules: rules };
  await install({ apiVersion, kind: 'ValidatingAdmissionPolicy', metadata, spec: { matchConstraints, validations } } as KubernetesObject);
  const spec = { policyName: metadata.name, validationActions: ['Deny'] };
  await install({ apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata, spec } as KubernetesObject);

  const refused = async () =>
    expect(applyRunJob(kube, run)).rejects.toMatchObject({
      code: 'kube.rejected',
      message: expect.stringContaining('No Jobs on Fridays.'),
    });
  await vi.waitFor(refused, { timeout: 20_000, interval: 300 });

  expect((await applyRunJob(kube, { ...free, runId: randomUUID() })).metadata?.namespace).toBe(free.namespace);
});

test('a webhook that lets the Job through and not its pod is named by an event of the Job', async () => {
  const run = await aRun();
  await installWebhook('no-pods', run, nobody, { group: '', resource: 'pods' });
  const told: RunEvent[] = [];
  await using _watch = watchRunEvents(kube, { onError: () => undefined, onEvent: (event) => told.push(event) });

  await applyRunJob(kube, run);

  const why = () => told.find(({ runId, reason }) => runId === run.runId && reason === 'FailedCreate');
  await vi.waitFor(() => expect(why()).toMatchObject({ about: 'Job', message: expect.stringContaining('no-pods.example.com') }), {
    timeout: 20_000,
    interval: 200,
  });
});
