import { dumpYaml } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { jobName } from '../words.ts';
import { namespaceObjects } from './project-namespace.ts';
import { runJob, runSecret, type RunJobInput } from './run-job.ts';

const projectId = '6f1c2a3b-0000-4000-8000-000000000001';
const input: RunJobInput = {
  namespace: 'codex-issue-6f1c2a3b0000',
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

  await expect(objects.map((object) => dumpYaml(object)).join('---\n')).toMatchFileSnapshot('__golden__/project-namespace.yaml');
});

test('an attempt is a Job whose pod may do nothing it need not', async () => {
  await expect(dumpYaml(runJob(input))).toMatchFileSnapshot('__golden__/run-job.yaml');
});

test('what is secret stands in the Secret alone, which goes with the Job', async () => {
  await expect(dumpYaml(runSecret(input, 'uid-1'))).toMatchFileSnapshot('__golden__/run-secret.yaml');
  expect(JSON.stringify(runJob(input))).not.toContain(Buffer.from('the-token').toString('base64'));
  expect(JSON.stringify(runJob(input))).not.toContain('the-token');
});

test('names fit into the limits of Kubernetes', () => {
  expect(jobName({ runId: input.runId, attempt: 999 }).length).toBeLessThanOrEqual(63);
});
