import type { V1Container, V1Job, V1OwnerReference, V1PodSpec, V1Secret, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { correlationAnnotation, jobName, kubeconfigMap, labels, manager, runnerAccount, type RuntimeMode } from '../words.ts';
import { accountFolder } from './run-namespace.ts';

export interface RunJobInput {
  readonly namespace: string;
  /** `full-env`: the agent gets a kubeconfig of its namespace, which the namespace must be made for. */
  readonly mode: RuntimeMode;
  readonly runId: string;
  readonly projectId: string;
  readonly attempt: number;
  readonly correlationId: string;
  readonly image: string;
  /** Of the runner, not secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the runner, kept in the run's Secret. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly resources: { readonly cpu: string; readonly memory: string; readonly cpuLimit: string; readonly memoryLimit: string };
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
  readonly tolerations?: V1PodSpec['tolerations'] | undefined;
  readonly runtimeClass?: string | undefined;
}

/** Where the runner keeps the workspace, the agent's home and its state; a new pod finds it empty and goes on from the session snapshot. */
export const runFolder = '/var/lib/codexk8s/run';

export function runLabels({ runId, projectId, attempt }: Pick<RunJobInput, 'runId' | 'projectId' | 'attempt'>): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'codex-k8s-run',
    'app.kubernetes.io/managed-by': manager,
    [labels.managedBy]: manager,
    [labels.runId]: runId,
    [labels.projectId]: projectId,
    [labels.attempt]: String(attempt),
  };
}

/** Goes with its Job, whoever deletes that. */
export function runSecret(input: RunJobInput, jobUid: string): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    immutable: true,
    metadata: { name: jobName(input), namespace: input.namespace, labels: runLabels(input), ownerReferences: [owner(input, jobUid)] },
    data: Object.fromEntries(Object.entries(input.secrets).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
  };
}

function owner(input: RunJobInput, uid: string): V1OwnerReference {
  return { apiVersion: 'batch/v1', kind: 'Job', name: jobName(input), uid, blockOwnerDeletion: false };
}

/** One attempt of one run. The control plane decides about retries and about time, so the Job does neither (NFR-012). */
export function runJob(input: RunJobInput): V1Job {
  const metadata = { labels: runLabels(input), annotations: { [correlationAnnotation]: input.correlationId } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobName(input), namespace: input.namespace, ...metadata },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      ttlSecondsAfterFinished: 600,
      template: { metadata, spec: podSpec(input) },
    },
  };
}

function podSpec(input: RunJobInput): V1PodSpec {
  return {
    restartPolicy: 'Never',
    serviceAccountName: runnerAccount,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 30, // the runner saves the session meanwhile
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [runner(input)],
    volumes: [{ name: 'run', emptyDir: {} }, { name: 'tmp', emptyDir: {} }, ...(input.mode === 'full-env' ? accountVolumes : [])],
    ...(input.nodeSelector && { nodeSelector: { ...input.nodeSelector } }),
    ...(input.tolerations && { tolerations: input.tolerations }),
    ...(input.runtimeClass !== undefined && { runtimeClassName: input.runtimeClass }),
  };
}

function runner(input: RunJobInput): V1Container {
  const { cpu, memory, cpuLimit, memoryLimit } = input.resources;
  return {
    name: 'run',
    image: input.image,
    imagePullPolicy: 'IfNotPresent',
    env: [
      ...Object.entries(environment(input)).map(([name, value]) => ({ name, value })),
      ...Object.keys(input.secrets).map((name) => ({ name, valueFrom: { secretKeyRef: { name: jobName(input), key: name } } })),
    ],
    resources: { requests: { cpu, memory }, limits: { cpu: cpuLimit, memory: memoryLimit } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'run', mountPath: runFolder },
      { name: 'tmp', mountPath: '/tmp' },
      ...(input.mode === 'full-env' ? accountMounts : []),
    ],
  };
}

const kubeconfigFolder = '/etc/codexk8s/kube';

function environment(input: RunJobInput): Record<string, string> {
  return {
    ...input.environment,
    CODEXK8S_RUN_DIR: runFolder,
    ...(input.mode === 'full-env' && { CODEXK8S_AGENT_KUBECONFIG: `${kubeconfigFolder}/config` }),
  };
}

/** The account's token, renewed by the kubelet, at the place where clients look for it, and the kubeconfig that reads it. */
export const accountVolumes: V1Volume[] = [
  {
    name: 'account',
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: 3_600 } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  },
  { name: 'kubeconfig', configMap: { name: kubeconfigMap } },
];
export const accountMounts: V1VolumeMount[] = [
  { name: 'account', mountPath: accountFolder, readOnly: true },
  { name: 'kubeconfig', mountPath: kubeconfigFolder, readOnly: true },
];
