import type { V1Job, V1NetworkPolicy, V1PodSpec } from '@kubernetes/client-node';
import { labels, manager, runnerAccount } from '../words.ts';
import { accountMounts, accountVolumes, type RunJobInput } from './run-job.ts';
import { accountFolder } from './run-namespace.ts';

export interface ProbeInput extends Pick<
  RunJobInput,
  'namespace' | 'image' | 'resources' | 'nodeSelector' | 'tolerations' | 'runtimeClass'
> {
  /** Of this one probing, so that two at once do not meet. */
  readonly id: string;
}

const probeLabel = 'codex-k8s.dev/probe';
const port = 8080;

/**
 * Role of a probe's pod: `allowed` and `refused` try to reach `listener`; `privileged` must not come to be; `agent` tries to get at Secrets with
 * the rights of a developer, in a namespace made as for a full-env run.
 */
export type ProbeRole = 'listener' | 'allowed' | 'refused' | 'privileged' | 'agent';

export function environmentOf({ namespace }: Pick<ProbeInput, 'namespace'>): string {
  return `${namespace}-env`;
}

export function probeName({ id }: ProbeInput, role: ProbeRole): string {
  return `codex-probe-${role}-${id}`;
}

/** What the exit codes of `allowed` and `refused` say. */
export const probeExit = { connected: 0, notConnected: 3, noNames: 4 } as const;
/** And that of `agent`. */
export const agentExit = { kept: 0, mounted: 5, read: 6, otherwise: 7 } as const;

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

/** Asks whether a pod with a Secret would be admitted (a dry run) and whether Secrets can be listed. */
const reachForSecrets = (namespace: string): string => `
const { readFileSync } = require('node:fs');
const { request } = require('node:https');
const folder = ${JSON.stringify(accountFolder)};
const ask = (method, path, body) => new Promise((resolve, reject) => {
  const sent = request({
    host: process.env.KUBERNETES_SERVICE_HOST, port: process.env.KUBERNETES_SERVICE_PORT, method, path, ca: readFileSync(folder + '/ca.crt'),
    headers: { authorization: 'Bearer ' + readFileSync(folder + '/token', 'utf8'), 'content-type': 'application/json' }, timeout: 10000,
  }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => { text += chunk; });
    answer.on('end', () => resolve({ status: answer.statusCode, text }));
  });
  sent.once('error', reject);
  sent.end(body && JSON.stringify(body));
});
(async () => {
  const pods = '/api/v1/namespaces/${namespace}/pods?dryRun=All';
  const container = { name: 'c', image: 'i', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } };
  const security = { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } };
  const pod = (volumes) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'agent-probe' }, spec: { securityContext: security, containers: [container], volumes } });
  const plain = await ask('POST', pods, pod([]));
  const mounted = await ask('POST', pods, pod([{ name: 'v', secret: { secretName: 'x' } }]));
  const listed = await ask('GET', '/api/v1/namespaces/${namespace}/secrets');
  const byPolicy = plain.status === 201 && [403, 422].includes(mounted.status) && mounted.text.includes('ValidatingAdmissionPolicy');
  console.log(plain.status, mounted.status, mounted.text.slice(0, 500), listed.status);
  process.exit(mounted.status === 201 ? ${agentExit.mounted} : listed.status !== 403 ? ${agentExit.read} : byPolicy ? ${agentExit.kept} : ${agentExit.otherwise});
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
    metadata: { name: probeName(input, role), namespace: role === 'agent' ? environmentOf(input) : input.namespace, ...metadata },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: 60,
      activeDeadlineSeconds: 120,
      template: { metadata, spec: podSpec(input, role, address) },
    },
  };
}

function scriptOf(input: ProbeInput, role: ProbeRole, address: string): string {
  if (role === 'listener') return listen;
  return role === 'agent' ? reachForSecrets(environmentOf(input)) : connect(address);
}

function podSpec(input: ProbeInput, role: ProbeRole, address: string): V1PodSpec {
  const { image, resources, nodeSelector, tolerations, runtimeClass } = input;
  const isAgent = role === 'agent';
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
        command: ['node', '-e', scriptOf(input, role, address)],
        resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: cpuLimit, memory: memoryLimit } },
        securityContext: isPrivileged
          ? { privileged: true }
          : { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        ...(isAgent && { volumeMounts: accountMounts }),
      },
    ],
    ...(isAgent && { volumes: accountVolumes }),
    ...(nodeSelector && { nodeSelector: { ...nodeSelector } }),
    ...(tolerations && { tolerations }),
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
  };
}
