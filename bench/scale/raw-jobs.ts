/** Jobs as the platform makes them, and nothing else: no database, no queue, no runner. Eight at once, as a worker launches them. */
import { randomUUID } from 'node:crypto';
import { applyObject, applyRunJob, connectKube, runJob, type RunJobInput } from '@codex-k8s/kube';

const { kubeconfig, namespace, count, withSecret, nodes } = JSON.parse(process.argv[2] ?? '') as {
  kubeconfig: string;
  namespace: string;
  count: number;
  withSecret: boolean;
  nodes: string;
}; // written by main.ts
const atOnce = 8;
const kube = connectKube({ kubeconfig });

function input(): RunJobInput {
  const id = randomUUID();
  return {
    namespace,
    mode: 'code-only',
    runId: id,
    projectId: id,
    attempt: 1,
    correlationId: id,
    image: 'simulated:1',
    environment: {
      CODEXK8S_RUN_ID: id,
      CODEXK8S_CORRELATION_ID: id,
      CODEXK8S_CONTROL_PLANE_URL: 'http://127.0.0.1:1',
      CODEXK8S_MODEL_BASE_URL: 'http://127.0.0.1:1',
    },
    secrets: { CODEXK8S_RUN_TOKEN: 'x'.repeat(500) },
    resources: { cpu: '10m', memory: '16Mi', cpuLimit: '2', memoryLimit: '4Gi' },
    nodeSelector: { [nodes]: 'true' },
    tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
  };
}

await kube.core.listNamespacedPod({ namespace, limit: 1 }).catch(() => undefined); // opens the connection
const startedAt = Date.now();
let left = count;
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (left > 0) {
      left -= 1;
      await (withSecret ? applyRunJob(kube, input()) : applyObject(kube, runJob(input())));
    }
  }),
);
console.log(JSON.stringify({ startedAt, endedAt: Date.now() }));
