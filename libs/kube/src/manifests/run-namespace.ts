import type { ClusterProfile } from '@codex-k8s/domain';
import { dumpYaml } from '@kubernetes/client-node';
import type {
  KubernetesObject,
  RbacV1Subject,
  V1ConfigMap,
  V1LimitRange,
  V1Namespace,
  V1NetworkPolicy,
  V1ResourceQuota,
  V1RoleBinding,
  V1ServiceAccount,
} from '@kubernetes/client-node';
import { kubeconfigMap, labels, managedLabels, profileRole, runnerAccount } from '../words.ts';

interface Shared {
  readonly namespace: string;
  readonly projectId: string;
  /** Most pods at once. */
  readonly pods: number;
}

/** `code-only`: shared by the runs of a project, without any rights. `full-env`: of one run, whose agent has the rights of a profile in it. */
export type NamespaceInput = Shared &
  ({ readonly mode: 'code-only' } | { readonly mode: 'full-env'; readonly runId: string; readonly profile: ClusterProfile });
type FullEnvInput = Extract<NamespaceInput, { mode: 'full-env' }>;

const ours = { [labels.managedBy]: managedLabels[labels.managedBy] };

/** Where agents run, closed by default, in the order the objects must be applied. */
export function namespaceObjects(input: NamespaceInput): [V1Namespace, ...KubernetesObject[]] {
  const closed: [V1Namespace, ...KubernetesObject[]] = [
    namespace(input),
    account(input),
    quota(input),
    limits(input),
    ...networkPolicies(input),
  ];
  return input.mode === 'full-env' ? [...closed, rights(input), kubeconfig(input)] : closed;
}

function namespace(input: NamespaceInput): V1Namespace {
  const { namespace: name, mode, projectId } = input;
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        ...managedLabels,
        [labels.runtimeMode]: mode,
        [labels.projectId]: projectId,
        ...(input.mode === 'full-env' && { [labels.runId]: input.runId }),
        'codexk8s.io/network-zone': 'project',
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/enforce-version': 'latest',
      },
    },
  };
}

/** Nobody gets its token by default: code-only agents have no business with the cluster, and a full-env run's pod asks for it by itself. */
function account({ namespace: name }: NamespaceInput): V1ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: runnerAccount, namespace: name, labels: ours },
    automountServiceAccountToken: false,
  };
}

function rights({ namespace: name, profile }: FullEnvInput): V1RoleBinding {
  const subject: RbacV1Subject = { kind: 'ServiceAccount', name: runnerAccount, namespace: name };
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: runnerAccount, namespace: name, labels: ours },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: profileRole(profile) },
    subjects: [subject],
  };
}

/** Where a pod finds the token of its service account and what the API server's certificate is checked against. */
export const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** For kubectl and its like; it holds no secret, the token is read from the pod's own file (reference §5.4). */
function kubeconfig({ namespace: name }: FullEnvInput): V1ConfigMap {
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'incluster', cluster: { server: 'https://kubernetes.default.svc', 'certificate-authority': `${accountFolder}/ca.crt` } },
    ],
    users: [{ name: 'run-sa', user: { tokenFile: `${accountFolder}/token` } }],
    contexts: [{ name: 'incluster', context: { cluster: 'incluster', user: 'run-sa', namespace: name } }],
    'current-context': 'incluster',
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: kubeconfigMap, namespace: name, labels: ours },
    data: { config: dumpYaml(content) },
  };
}

/** An object may hold more than a megabyte, so what an agent with rights may make is counted: the store of the cluster is everybody's. */
const mostObjects: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'configmaps',
    'services',
    'serviceaccounts',
    'persistentvolumeclaims',
    'deployments.apps',
    'statefulsets.apps',
    'daemonsets.apps',
    'replicasets.apps',
    'jobs.batch',
    'cronjobs.batch',
    'ingresses.networking.k8s.io',
    'horizontalpodautoscalers.autoscaling',
    'poddisruptionbudgets.policy',
  ].map((resource) => [`count/${resource}`, '50']),
);

/** In a shared namespace the platform alone makes objects, as many as its runs need. */
function quota({ namespace: name, pods, mode }: NamespaceInput): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'codex-run-quota', namespace: name },
    spec: {
      hard: {
        pods: String(pods),
        'services.loadbalancers': '0',
        'services.nodeports': '0',
        ...(mode === 'full-env' && mostObjects),
      },
    },
  };
}

function limits({ namespace: name }: NamespaceInput): V1LimitRange {
  return {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'codex-run-limits', namespace: name },
    spec: {
      limits: [{ type: 'Container', _default: { cpu: '2', memory: '4Gi' }, defaultRequest: { cpu: '100m', memory: '256Mi' } }],
    },
  };
}

/**
 * Nobody reaches an agent; an agent reaches names and what is outside the cluster's own metadata services. What a full-env agent deploys may do
 * the same, and the pods of its namespace reach each other.
 */
function networkPolicies({ namespace: name, mode }: NamespaceInput): V1NetworkPolicy[] {
  const whole = mode === 'full-env';
  const policy = (policyName: string, spec: NonNullable<V1NetworkPolicy['spec']>): V1NetworkPolicy => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: policyName, namespace: name },
    spec,
  });
  const dns = [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ];
  const linkLocal = ['169.254.0.0/16']; // the cloud's metadata service hands out the node's credentials
  return [
    policy('codex-deny-all', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
    policy('codex-run-egress', {
      podSelector: whole ? {} : { matchLabels: { 'app.kubernetes.io/name': 'codex-k8s-run' } },
      policyTypes: ['Egress'],
      egress: [{ ports: dns }, { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: linkLocal } }] }],
    }),
    ...(whole
      ? [
          policy('codex-run-within', {
            podSelector: {},
            policyTypes: ['Ingress', 'Egress'],
            ingress: [{ _from: [{ podSelector: {} }] }],
            egress: [{ to: [{ podSelector: {} }] }],
          }),
        ]
      : []),
  ];
}
