import { dumpYaml } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { jobName, runNamespace } from '../words.ts';
import { namespaceObjects } from './run-namespace.ts';
import { runJob, runSecret, type RunJobInput } from './run-job.ts';

const projectId = '6f1c2a3b-0000-4000-8000-000000000001';
const input: RunJobInput = {
  namespace: 'codex-issue-6f1c2a3b0000',
  mode: 'code-only',
  runId: '0d9f6a4e-0000-4000-8000-000000000002',
  projectId,
  attempt: 1,
  correlationId: 'delivery-1',
  image: 'registry.example.com/codex-k8s/agent:1',
  environment: { CODEXK8S_RUN_ID: '0d9f6a4e-0000-4000-8000-000000000002', CODEXK8S_CONTROL_PLANE_URL: 'http://control-plane:8081' },
  secrets: { CODEXK8S_RUN_TOKEN: 'the-token' },
  resources: { cpu: '250m', memory: '512Mi', cpuLimit: '2', memoryLimit: '4Gi' },
  nodeSelector: { agents: 'yes' },
  tolerations: [{ key: 'agents', operator: 'Exists' }],
  runtimeClass: 'gvisor',
};

test('the namespace of a project is closed by default', async () => {
  const objects = namespaceObjects({ namespace: input.namespace, mode: 'code-only', projectId, pods: 20 });

  await expect(objects.map((object) => dumpYaml(object)).join('---\n')).toMatchFileSnapshot('__golden__/code-only-namespace.yaml');
});

test('the namespace of a full-env run is closed as well, and its agent gets one profile in it', async () => {
  const namespace = runNamespace('codex-issue', { projectId, issueNumber: 7, runId: input.runId });
  const objects = namespaceObjects({ namespace, mode: 'full-env', projectId, pods: 20, runId: input.runId, profile: 'develop' });

  await expect(objects.map((object) => dumpYaml(object)).join('---\n')).toMatchFileSnapshot('__golden__/full-env-namespace.yaml');
});

test('an attempt is a Job whose pod may do nothing it need not', async () => {
  await expect(dumpYaml(runJob(input))).toMatchFileSnapshot('__golden__/run-job.yaml');
});

test('a full-env attempt has the token of its account, and where to use it', async () => {
  await expect(dumpYaml(runJob({ ...input, mode: 'full-env' }))).toMatchFileSnapshot('__golden__/run-job-full-env.yaml');
});

test('what is secret stands in the Secret alone, which goes with the Job', async () => {
  await expect(dumpYaml(runSecret(input, 'uid-1'))).toMatchFileSnapshot('__golden__/run-secret.yaml');
  expect(JSON.stringify(runJob(input))).not.toContain(Buffer.from('the-token').toString('base64'));
  expect(JSON.stringify(runJob(input))).not.toContain('the-token');
});

test('names fit into the limits of Kubernetes', () => {
  const longest = runNamespace('p'.repeat(24), { projectId, issueNumber: 2_147_483_647, runId: input.runId });

  expect(jobName({ runId: input.runId, attempt: 999 }).length).toBeLessThanOrEqual(63);
  expect(longest.length).toBeLessThanOrEqual(63);
});
