import type {
  KubernetesObject,
  V1LimitRange,
  V1Namespace,
  V1NetworkPolicy,
  V1ResourceQuota,
  V1ServiceAccount,
} from '@kubernetes/client-node';
import { labels, managedLabels, runnerAccount, type RuntimeMode } from '../words.ts';

export interface NamespaceInput {
  readonly namespace: string;
  readonly mode: RuntimeMode;
  readonly projectId: string;
  /** Most pods at once. */
  readonly pods: number;
}

/** Where agents of one project run, closed by default, in the order the objects must be applied. */
export function namespaceObjects(input: NamespaceInput): KubernetesObject[] {
  return [namespace(input), account(input), quota(input), limits(input), ...networkPolicies(input)];
}

function namespace({ namespace: name, mode, projectId }: NamespaceInput): V1Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        ...managedLabels,
        [labels.runtimeMode]: mode,
        [labels.projectId]: projectId,
        'codexk8s.io/network-zone': 'project',
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/enforce-version': 'latest',
      },
    },
  };
}

/** Without rights and without a token: code-only agents have no business with the cluster. */
function account({ namespace: name }: NamespaceInput): V1ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: runnerAccount, namespace: name, labels: { [labels.managedBy]: managedLabels[labels.managedBy] } },
    automountServiceAccountToken: false,
  };
}

function quota({ namespace: name, pods }: NamespaceInput): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'codex-run-quota', namespace: name },
    spec: { hard: { pods: String(pods), 'services.loadbalancers': '0', 'services.nodeports': '0' } },
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

/** Nobody reaches an agent; an agent reaches names and what is outside the cluster's own metadata services. */
function networkPolicies({ namespace: name }: NamespaceInput): V1NetworkPolicy[] {
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
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'codex-k8s-run' } },
      policyTypes: ['Egress'],
      egress: [{ ports: dns }, { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: linkLocal } }] }],
    }),
  ];
}
