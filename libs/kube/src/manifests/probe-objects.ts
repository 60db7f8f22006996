import type { V1Job, V1NetworkPolicy, V1PodSpec } from '@kubernetes/client-node';
import { labels, manager, runnerAccount } from '../words.ts';
import type { RunJobInput } from './run-job.ts';

export interface ProbeInput extends Pick<
  RunJobInput,
  'namespace' | 'image' | 'resources' | 'nodeSelector' | 'tolerations' | 'runtimeClass'
> {
  /** Of this one probing, so that two at once do not meet. */
  readonly id: string;
}

const probeLabel = 'codex-k8s.dev/probe';
const port = 8080;

/** Role of a probe's pod: `allowed` and `refused` try to reach `listener`; `privileged` must not come to be. */
export type ProbeRole = 'listener' | 'allowed' | 'refused' | 'privileged';

export function probeName({ id }: ProbeInput, role: ProbeRole): string {
  return `codex-probe-${role}-${id}`;
}

/** What the exit codes of `allowed` and `refused` say. */
export const probeExit = { connected: 0, notConnected: 3, noNames: 4 } as const;

const listen = `require('node:net').createServer((socket) => socket.end()).listen(${port});`;
const connect = (address: string): string => `
const { lookup } = require('node:dns/promises');
const { connect } = require('node:net');
const once = () => new Promise((resolve) => {
  const socket = connect({ host: ${JSON.stringify(address)}, port: ${port}, timeout: 1000 });
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  for (const end of ['error', 'timeout']) socket.once(end, () => { socket.destroy(); resolve(false); });
});
(async () => {
  let connected = false;
  for (let n = 0; n < 6 && !connected; n++) { connected = await once(); if (!connected) await new Promise((done) => setTimeout(done, 300)); }
  const names = await lookup('kubernetes.default.svc').then(() => true, () => false);
  process.exit(!connected ? ${probeExit.notConnected} : names ? ${probeExit.connected} : ${probeExit.noNames});
})();`;

/** The listener takes connections from `allowed` only, as nobody but the platform may reach an agent. */
export function probePolicy(input: ProbeInput): V1NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'codex-probe', namespace: input.namespace },
    spec: {
      podSelector: { matchLabels: { [probeLabel]: 'listener' } },
      policyTypes: ['Ingress'],
      ingress: [{ _from: [{ podSelector: { matchLabels: { [probeLabel]: 'allowed' } } }], ports: [{ port, protocol: 'TCP' }] }],
    },
  };
}

/** `address`: of the listener, for the two that try to reach it. */
export function probeJob(input: ProbeInput, role: ProbeRole, address = ''): V1Job {
  const metadata = {
    labels: {
      // Egress is opened for what carries this name.
      'app.kubernetes.io/name': 'codex-k8s-run',
      [labels.managedBy]: manager,
      [probeLabel]: role,
    },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: probeName(input, role), namespace: input.namespace, ...metadata },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: 60,
      activeDeadlineSeconds: 120,
      template: { metadata, spec: podSpec(input, role, address) },
    },
  };
}

function podSpec({ image, resources, nodeSelector, tolerations, runtimeClass }: ProbeInput, role: ProbeRole, address: string): V1PodSpec {
  const isPrivileged = role === 'privileged';
  const { cpuLimit, memoryLimit } = resources;
  return {
    restartPolicy: 'Never',
    serviceAccountName: runnerAccount,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'probe',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '-e', role === 'listener' ? listen : connect(address)],
        resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: cpuLimit, memory: memoryLimit } },
        securityContext: isPrivileged
          ? { privileged: true }
          : { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      },
    ],
    ...(nodeSelector && { nodeSelector: { ...nodeSelector } }),
    ...(tolerations && { tolerations }),
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
  };
}
