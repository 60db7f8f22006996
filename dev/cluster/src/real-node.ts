import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyObject } from './ask-api.ts';
import type { Binaries } from './binaries.ts';
import { writeKubeconfig, type Certificates } from './certificates.ts';
import { makeCgroup } from './cgroups.ts';
import { innerApiUrl } from './control-plane.ts';
import { ensureImageArchives, pauseImage, pushImages } from './images.ts';
import { podBridge, registryPort, type Layout } from './layout.ts';
import { tryCommand } from './machine.ts';
import { ensureProcess, until, type ProcessSpec } from './processes.ts';
import { readyNodes } from './simulated-nodes.ts';

interface Parts {
  readonly layout: Layout;
  readonly binaries: Binaries;
  readonly certificates: Certificates;
}

/** One node of this machine: registry, containerd, kubelet, service addresses, DNS and volumes. */
export async function startRealNode(parts: Parts, log: (line: string) => void): Promise<void> {
  const { layout, binaries, certificates } = parts;
  const { folder } = layout;
  const start = (spec: ProcessSpec): Promise<void> => ensureProcess(folder, { ...spec, namespace: layout.network?.namespace });
  const archives = ensureImageArchives(log);

  await start(registry(parts));
  await until('The registry answers', () => answers(`http://${layout.network?.address ?? ''}:${registryPort}/v2/`), {
    folder,
    watched: ['registry'],
    withinMs: 20_000,
  });
  pushImages(layout, binaries, archives);

  await start(containerd(parts));
  await until('containerd answers', () => Promise.resolve(tryCommand('ctr', '--address', containerdSocket(layout), 'version')), {
    folder,
    watched: ['containerd'],
    withinMs: 20_000,
  });
  await start(kubelet(parts));
  await start(kubeProxy(parts));
  await start(coreDns(parts));
  await applyObject(layout, certificates, '/apis/storage.k8s.io/v1/storageclasses/node-folders', storageClass());
  await start(nodeFolders(parts));
  const isReady = async (): Promise<boolean> => (await readyNodes(layout, certificates)).includes('node1');
  await until('node1 is ready', isReady, { folder, watched: ['kubelet', 'containerd', 'kube-proxy', 'coredns'], withinMs: 60_000 });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // not yet
  }
}

/** Writes one of the node's configuration files; returns its path. */
function writeConfig({ folder }: Layout, name: string, content: string | object): string {
  const path = join(folder, 'config', name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  return path;
}

export function containerdSocket({ folder }: Layout): string {
  return join(folder, 'containerd.sock');
}

function registry({ layout, binaries }: Parts): ProcessSpec {
  const config = writeConfig(layout, 'registry.json', {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(layout.folder, 'registry') }, delete: { enabled: true } },
    http: { addr: `0.0.0.0:${registryPort}` },
  });
  return { name: 'registry', command: binaries('registry'), args: ['serve', config], env: { OTEL_TRACES_EXPORTER: 'none' } };
}

function containerd({ layout }: Parts): ProcessSpec {
  const { folder } = layout;
  writeConfig(layout, 'cni/10-bridge.conflist', {
    cniVersion: '0.4.0',
    name: `ck8s-${layout.name}`,
    plugins: [
      {
        type: 'bridge',
        bridge: podBridge.name,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(folder, 'addresses'),
          ranges: [[{ subnet: podBridge.cidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
  const config = writeConfig(
    layout,
    'containerd.toml',
    `version = 2
root = "${join(folder, 'containerd')}"
state = "${join(folder, 'containerd-state')}"
[grpc]
  address = "${containerdSocket(layout)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Where CAP_SYS_RESOURCE is missing, runc dies on a lowered oom_score_adj.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${join(folder, 'config/cni')}"
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."localhost:${registryPort}"]
    endpoint = ["http://localhost:${registryPort}"]
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`,
  );
  return { name: 'containerd', command: 'containerd', args: ['--config', config, '--log-level', 'warn'] };
}

function kubelet({ layout, binaries, certificates }: Parts): ProcessSpec {
  const { folder } = layout;
  const server = certificates.pair('kubelet-server');
  const config = writeConfig(layout, 'kubelet.json', {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '0.0.0.0',
    healthzBindAddress: '127.0.0.1',
    tlsCertFile: server.certificate,
    tlsPrivateKeyFile: server.key,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: certificates.authority } },
    authorization: { mode: 'Webhook' },
    clusterDNS: [podBridge.address],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${containerdSocket(layout)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: makeCgroup(layout),
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false, // container file systems of some machines report no capacity
    podLogsDir: join(folder, 'pods'),
    serializeImagePulls: false,
    nodeStatusUpdateFrequency: '4s',
    evictionHard: { 'memory.available': '100Mi' }, // disk thresholds would judge the developer's own disk
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    registryPullQPS: 0,
    eventRecordQPS: 0,
  });
  return {
    name: 'kubelet',
    command: binaries('kubelet'),
    args: [
      `--config=${config}`,
      `--kubeconfig=${writeKubeconfig(layout, certificates, 'kubelet', innerApiUrl(layout))}`,
      `--root-dir=${join(folder, 'kubelet')}`,
      `--cert-dir=${join(folder, 'pki')}`,
      '--hostname-override=node1',
      `--node-ip=${podBridge.address}`,
    ],
  };
}

function kubeProxy({ layout, binaries, certificates }: Parts): ProcessSpec {
  return {
    name: 'kube-proxy',
    command: binaries('kube-proxy'),
    args: [
      `--kubeconfig=${writeKubeconfig(layout, certificates, 'kube-proxy', innerApiUrl(layout))}`,
      '--hostname-override=node1',
      '--proxy-mode=iptables',
      `--cluster-cidr=${podBridge.cidr}`,
      // The limits belong to the whole machine.
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0s',
      '--conntrack-tcp-timeout-close-wait=0s',
    ],
  };
}

function coreDns({ layout, binaries, certificates }: Parts): ProcessSpec {
  const config = writeConfig(
    layout,
    'Corefile',
    `.:53 {
  bind ${podBridge.address}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${writeKubeconfig(layout, certificates, 'coredns', innerApiUrl(layout))}
  }
  cache 5
}
`,
  );
  return { name: 'coredns', command: binaries('coredns'), args: ['-conf', config] };
}

const volumeProvisioner = 'codexk8s.dev/node-folders';

function storageClass(): object {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'node-folders', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: volumeProvisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy: 'Delete',
  };
}

function nodeFolders({ layout, binaries, certificates }: Parts): ProcessSpec {
  const args = {
    kubeconfig: writeKubeconfig(layout, certificates, 'node-folders', innerApiUrl(layout)),
    provisioner: volumeProvisioner,
    root: join(layout.folder, 'volumes'),
  };
  return {
    name: 'node-folders',
    command: binaries('node-folders'),
    args: Object.entries(args).map(([name, value]) => `--${name}=${value}`),
  };
}
