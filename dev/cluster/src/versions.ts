import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The Go module that pins what everything is built from, and the programs of our own in it. */
export const buildFolder = join(import.meta.dirname, '../build');

/** As go.mod requires it, without the `v`. */
function versionOf(module: string): string {
  const [, version] = new RegExp(`^\\s*${module} v(\\S+)`, 'm').exec(readFileSync(join(buildFolder, 'go.mod'), 'utf8')) ?? [];
  if (version === undefined) throw new Error(`${module} is not in go.mod`);
  return version;
}

export const kubernetesVersion = versionOf('k8s.io/kubernetes'); // 1.34 is the newest that runs on cgroup v1 and v2 alike
const [major, minor] = kubernetesVersion.split('.');

/** Main packages by the name of their binary. */
export const packages = {
  coredns: './coredns',
  crane: 'github.com/google/go-containerregistry/cmd/crane',
  etcd: 'go.etcd.io/etcd/server/v3',
  helm: 'helm.sh/helm/v3/cmd/helm',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  kwok: './kwok',
  'node-folders': './node-folders',
  registry: './registry',
} as const;
export type BinaryName = keyof typeof packages;

/** What a program says it is. Without it the API server says it is v0.0.0 and clients misbehave, and Helm takes the cluster for v1.20. */
export const linkedValues: Readonly<Record<string, string | undefined>> = {
  'k8s.io/component-base/version.gitVersion': `v${kubernetesVersion}`,
  'k8s.io/component-base/version.gitMajor': major,
  'k8s.io/component-base/version.gitMinor': minor,
  'helm.sh/helm/v3/internal/version.version': `v${versionOf('helm.sh/helm/v3')}`,
  'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': major,
  'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': minor,
  'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': major,
  'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': minor,
};

const controlPlane = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;
const simulatedNodes = ['kube-scheduler', 'kwok'] as const;
const realNode = ['kubelet', 'kube-proxy', 'coredns', 'registry', 'crane', 'node-folders'] as const;

/** `api`: the API alone. `simulated`: and nodes that only say they run pods. `node`: and one real node with containers. */
export const rungs = ['api', 'simulated', 'node'] as const;
export type Rung = (typeof rungs)[number];

export const binariesOf: Readonly<Record<Rung, readonly BinaryName[]>> = {
  api: controlPlane,
  simulated: [...controlPlane, ...simulatedNodes],
  node: [...controlPlane, ...simulatedNodes, ...realNode],
};

/** Commands a rung needs of the machine, and the Debian package that brings each. */
export const commandsOf: Readonly<Record<Rung, readonly (readonly [command: string, debianPackage: string])[]>> = {
  api: [['openssl', 'openssl']],
  simulated: [['openssl', 'openssl']],
  node: [
    ['openssl', 'openssl'],
    ['ip', 'iproute2'],
    ['nsenter', 'util-linux'],
    ['iptables', 'iptables'],
    ['conntrack', 'conntrack'],
    ['containerd', 'containerd'],
    ['ctr', 'containerd'],
    ['runc', 'runc'],
    ['socat', 'socat'],
    ['debootstrap', 'debootstrap'],
    ['/usr/lib/cni/bridge', 'containernetworking-plugins'],
  ],
};
