import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askApi } from './ask-api.ts';
import type { Binaries } from './binaries.ts';
import { writeKubeconfig, type Certificates } from './certificates.ts';
import { podBridge, serviceRange, type Layout } from './layout.ts';
import { ensureProcess, until, type ProcessSpec } from './processes.ts';

interface Parts {
  readonly layout: Layout;
  readonly binaries: Binaries;
  readonly certificates: Certificates;
}

/** etcd, API server and controllers; ready when the API says so. */
export async function startControlPlane(parts: Parts): Promise<void> {
  const { layout, certificates } = parts;
  const { folder, rung } = layout;
  await ensureProcess(folder, etcd(parts));
  await ensureProcess(folder, apiServer(parts));
  writeKubeconfig(layout, certificates, 'admin');
  await until('The API server is ready', () => isReady(layout, certificates), {
    folder,
    watched: ['etcd', 'kube-apiserver'],
    withinMs: 60_000,
  });
  await ensureProcess(folder, controllerManager(parts));
  if (rung !== 'api') await ensureProcess(folder, scheduler(parts));
}

function etcd({ layout: { folder, ports, network }, binaries }: Parts): ProcessSpec {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return {
    name: 'etcd',
    command: binaries('etcd'),
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--quota-backend-bytes=4294967296',
      '--unsafe-no-fsync', // a test cluster need not survive a power loss
      '--log-level=warn',
    ],
    namespace: network?.namespace,
  };
}

function apiServer({ layout: { ports, network }, binaries, certificates }: Parts): ProcessSpec {
  const server = certificates.pair('apiserver');
  const admin = certificates.pair('admin');
  return {
    name: 'kube-apiserver',
    command: binaries('kube-apiserver'),
    args: [
      `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
      `--secure-port=${ports.api}`,
      `--bind-address=${network ? '0.0.0.0' : '127.0.0.1'}`,
      // What pods find behind kubernetes.default.svc. Without a node nobody asks, but loopback would be refused.
      `--advertise-address=${network ? podBridge.address : '192.0.2.1'}`,
      `--endpoint-reconciler-type=${network ? 'lease' : 'none'}`,
      `--service-cluster-ip-range=${serviceRange.cidr}`,
      `--tls-cert-file=${server.certificate}`,
      `--tls-private-key-file=${server.key}`,
      `--client-ca-file=${certificates.authority}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${certificates.serviceAccountPublic}`,
      `--service-account-signing-key-file=${certificates.serviceAccountKey}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      '--kubelet-preferred-address-types=InternalIP',
      `--kubelet-client-certificate=${admin.certificate}`,
      `--kubelet-client-key=${admin.key}`,
      `--kubelet-certificate-authority=${certificates.authority}`,
      '--max-requests-inflight=1000',
      '--max-mutating-requests-inflight=500',
    ],
    namespace: network?.namespace,
  };
}

function controllerManager({ layout, binaries, certificates }: Parts): ProcessSpec {
  const kubeconfig = writeKubeconfig(layout, certificates, 'controller-manager', innerApiUrl(layout));
  return {
    name: 'kube-controller-manager',
    command: binaries('kube-controller-manager'),
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${layout.ports.controllerManager}`,
      `--service-account-private-key-file=${certificates.serviceAccountKey}`,
      `--root-ca-file=${certificates.authority}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      `--cluster-cidr=${podBridge.cidr}`,
      // At the default limit of 20 requests a second this process, not the platform under test, would set the pace.
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
      '--concurrent-job-syncs=50',
      '--concurrent-namespace-syncs=50',
      '--concurrent-gc-syncs=50',
    ],
    namespace: layout.network?.namespace,
  };
}

function scheduler({ layout, binaries, certificates }: Parts): ProcessSpec {
  const kubeconfig = writeKubeconfig(layout, certificates, 'scheduler', innerApiUrl(layout));
  const config = join(layout.folder, 'scheduler.json');
  const content = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig, qps: 1000, burst: 2000 },
  };
  writeFileSync(config, JSON.stringify(content));
  return {
    name: 'kube-scheduler',
    command: binaries('kube-scheduler'),
    args: [
      `--config=${config}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${layout.ports.scheduler}`,
    ],
    namespace: layout.network?.namespace,
  };
}

/** For what runs beside the API server. */
export function innerApiUrl({ ports }: Layout): string {
  return `https://127.0.0.1:${ports.api}`;
}

export async function isReady(layout: Layout, certificates: Certificates): Promise<boolean> {
  return (await askApi(layout, certificates, '/readyz')).status === 200;
}
