import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { applyObject, askApi } from './ask-api.ts';
import { ensureCertificates } from './certificates.ts';
import { down, status, up, type ClusterStatus } from './cluster.ts';
import { podBridge, readLayout, type Layout } from './layout.ts';
import { runningPid } from './processes.ts';

let folder: string;
const name = 'selftest';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cluster-'));
  vi.stubEnv('CODEXK8S_CLUSTER_DIR', folder);
});

afterAll(async () => {
  await down(name);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function start(rung: 'api' | 'simulated' | 'node'): Promise<ClusterStatus> {
  return up({ name, rung, simulatedNodes: 2, log: () => undefined });
}

function layoutOf(): Layout {
  const layout = readLayout(name);
  if (!layout) throw new Error('the cluster is not there');
  return layout;
}

function processesBelow(path: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // ended meanwhile
      }
    })
    .filter((commandLine) => commandLine.includes(path));
}

async function jobSucceeded(layout: Layout, job: string): Promise<boolean> {
  const { body } = await askApi(layout, ensureCertificates(layout), `/apis/batch/v1/namespaces/default/jobs/${job}`);
  return (JSON.parse(body) as { status?: { succeeded?: number } }).status?.succeeded === 1; // the API's own form
}

function aJob(job: string, podSpec: object): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: job, namespace: 'default' },
    spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', ...podSpec } } },
  };
}

test('the API alone comes up, stays up on a second call, and comes back after a kill', async () => {
  const first = await start('api');
  const pid = runningPid(layoutOf().folder, 'kube-apiserver');
  const second = await start('api');
  const unchanged = runningPid(layoutOf().folder, 'kube-apiserver');
  process.kill(pid ?? 0, 'SIGKILL');
  await vi.waitFor(async () => expect((await status(name)).processes['kube-apiserver']).toBe('ended'));
  const third = await start('api');

  expect(first).toMatchObject({ ready: true, nodes: [], processes: { etcd: 'running', 'kube-apiserver': 'running' } });
  expect(second).toEqual(first);
  expect(unchanged).toBe(pid);
  expect(third).toEqual(first);
  expect(runningPid(layoutOf().folder, 'kube-apiserver')).not.toBe(pid);
});

test('simulated nodes finish a Job', async () => {
  const { nodes } = await start('simulated');
  const layout = layoutOf();
  const simulated = {
    nodeSelector: { type: 'kwok' },
    tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
    containers: [{ name: 'main', image: 'none' }],
  };

  await applyObject(layout, ensureCertificates(layout), '/apis/batch/v1/namespaces/default/jobs/simulated', aJob('simulated', simulated));

  expect(nodes).toEqual(['kwok-1', 'kwok-2']);
  await vi.waitFor(async () => expect(await jobSucceeded(layout, 'simulated')).toBe(true), { timeout: 30_000, interval: 200 });
});

test.skipIf(process.getuid?.() !== 0)('a real node runs a hardened pod with names and a volume (needs root)', async () => {
  const { nodes, host_address: host } = await start('node');
  const layout = layoutOf();
  const certificates = ensureCertificates(layout);
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
  };
  const hardened = {
    securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    nodeSelector: { 'kubernetes.io/hostname': 'node1' },
    containers: [
      {
        name: 'main',
        image: 'localhost:5000/debian:bookworm',
        command: ['sh', '-ec', 'getent hosts kubernetes.default.svc; echo kept > /data/file; cat /data/file; id -u'],
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  };

  await applyObject(layout, certificates, '/api/v1/namespaces/default/persistentvolumeclaims/data', claim);
  await applyObject(layout, certificates, '/apis/batch/v1/namespaces/default/jobs/real', aJob('real', hardened));
  await vi.waitFor(async () => expect(await jobSucceeded(layout, 'real')).toBe(true), { timeout: 60_000, interval: 300 });

  const pods = await askApi(layout, certificates, '/api/v1/namespaces/default/pods?labelSelector=job-name%3Dreal');
  const [pod] = (JSON.parse(pods.body) as { items: { metadata: { name: string } }[] }).items; // the API's own form
  const log = await askApi(layout, certificates, `/api/v1/namespaces/default/pods/${pod?.metadata.name}/log`);
  expect(nodes).toContain('node1');
  expect(log.body).toMatch(/^10\.96\.0\.1 .*kubernetes\.default.*\nkept\n1000\n$/);
  expect(execFileSync('ip', ['address', 'show'], { encoding: 'utf8' })).toContain(host);
  const bridge = ['netns', 'exec', layout.network?.namespace ?? '', 'ip', 'link', 'show', podBridge.name];
  expect(execFileSync('ip', bridge, { encoding: 'utf8' })).toContain(podBridge.mac); // also after a pod came and went
});

test('down leaves no process, mount, link or file', async () => {
  const layout = layoutOf();

  await down(name);

  expect(processesBelow(layout.folder)).toEqual([]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(layout.folder);
  if (layout.network) {
    expect(execFileSync('ip', ['link'], { encoding: 'utf8' })).not.toContain(layout.network.hostLink);
    expect(existsSync(`/run/netns/${layout.network.namespace}`)).toBe(false);
  }
  expect(existsSync(layout.folder)).toBe(false);
});
