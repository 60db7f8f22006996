/** What the cluster is made of, pinned. The name of a cached binary contains its version, so a change here builds anew. */
export const kubernetesVersion = '1.34.4'; // the newest that runs on cgroup v1 and v2 alike

export interface GoBinary {
  readonly name: string;
  /** Main package. */
  readonly package: string;
  readonly version: string;
  /** Folder under `build/` whose go.mod pins what it is built from; absent: `go install package@version`. */
  readonly module?: string;
  readonly ldflags?: string;
}

const kubernetes = (name: string): GoBinary => ({
  name,
  package: `k8s.io/kubernetes/cmd/${name}`,
  version: kubernetesVersion,
  module: 'kubernetes',
  ldflags: versionFlags(kubernetesVersion),
});

/** Without them the server says it is v0.0.0 and clients misbehave. */
function versionFlags(version: string): string {
  const [major, minor] = version.split('.');
  const prefix = '-X k8s.io/component-base/version.git';
  return [`${prefix}Version=v${version}`, `${prefix}Major=${major}`, `${prefix}Minor=${minor}`].join(' ');
}

const controlPlane: readonly GoBinary[] = [
  { name: 'etcd', package: 'go.etcd.io/etcd/server/v3', version: '3.6.5', module: 'etcd' },
  kubernetes('kube-apiserver'),
  kubernetes('kube-controller-manager'),
];
const simulatedNodes: readonly GoBinary[] = [
  kubernetes('kube-scheduler'),
  { name: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok', version: '0.7.0' },
];
const realNode: readonly GoBinary[] = [
  kubernetes('kubelet'),
  kubernetes('kube-proxy'),
  { name: 'coredns', package: 'codexk8s.dev/cluster/coredns', version: '1.12.4', module: 'coredns' },
  { name: 'registry', package: 'codexk8s.dev/cluster/registry', version: '3.0.0', module: 'registry' },
  { name: 'crane', package: 'github.com/google/go-containerregistry/cmd/crane', version: '0.20.6' },
  { name: 'local-path-provisioner', package: 'github.com/rancher/local-path-provisioner', version: '0.0.30' },
];

const helmVersion = '3.19.0';
const helmPackage = 'helm.sh/helm/v3';

/** No part of the cluster: the tool that installs charts into it, built when it is asked for. */
export const helm: GoBinary = {
  name: 'helm',
  package: `${helmPackage}/cmd/helm`,
  version: helmVersion,
  ldflags: [
    `-X ${helmPackage}/internal/version.version=v${helmVersion}`,
    // What `lint` and `template` hold a chart against; without it Helm built from its module takes the cluster for v1.20.
    ...['pkg/lint/rules', 'pkg/chartutil'].flatMap((path) => {
      const [major, minor] = kubernetesVersion.split('.');
      return [`-X ${helmPackage}/${path}.k8sVersionMajor=${major}`, `-X ${helmPackage}/${path}.k8sVersionMinor=${minor}`];
    }),
  ].join(' '),
};

/** `api`: the API alone. `simulated`: and nodes that only say they run pods. `node`: and one real node with containers. */
export const rungs = ['api', 'simulated', 'node'] as const;
export type Rung = (typeof rungs)[number];

export const binariesOf: Readonly<Record<Rung, readonly GoBinary[]>> = {
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
