import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiUrl, podBridge, serviceRange, type Layout } from './layout.ts';

/** One authority per cluster; every file is made once and kept. */
export interface Certificates {
  readonly authority: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublic: string;
  pair(name: string): { readonly certificate: string; readonly key: string };
}

interface Identity {
  readonly name: string;
  /** User, and groups. */
  readonly user: string;
  readonly groups?: readonly string[];
  readonly hosts?: readonly string[];
}

/** The users the control plane knows by name, with the rights Kubernetes gives these names. */
function identities({ network }: Layout): Identity[] {
  const own = ['127.0.0.1', ...(network ? [network.address, podBridge.address] : [])];
  return [
    {
      name: 'apiserver',
      user: 'kube-apiserver',
      hosts: [...own, serviceRange.first, 'localhost', 'kubernetes.default.svc', 'kubernetes.default'],
    },
    { name: 'kubelet-server', user: 'node1', hosts: [...own, 'node1'] },
    { name: 'admin', user: 'cluster-admin', groups: ['system:masters'] },
    { name: 'controller-manager', user: 'system:kube-controller-manager' },
    { name: 'scheduler', user: 'system:kube-scheduler' },
    { name: 'kwok', user: 'kwok', groups: ['system:masters'] },
    { name: 'kubelet', user: 'system:node:node1', groups: ['system:nodes'] },
    { name: 'kube-proxy', user: 'system:kube-proxy' },
    { name: 'coredns', user: 'coredns', groups: ['system:masters'] },
    { name: 'node-folders', user: 'node-folders', groups: ['system:masters'] },
  ];
}

export function ensureCertificates(layout: Layout): Certificates {
  const folder = join(layout.folder, 'pki');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

  if (!existsSync(at('ca.crt'))) {
    openssl(
      'req',
      '-x509',
      ...elliptic,
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.crt'),
      '-days',
      '3650',
      '-subj',
      '/CN=codex-k8s test cluster',
    );
  }
  if (!existsSync(at('service-account.key'))) {
    openssl('genrsa', '-out', at('service-account.key'), '2048');
    openssl('rsa', '-in', at('service-account.key'), '-pubout', '-out', at('service-account.pub'));
  }
  for (const { name, user, groups = [], hosts = [] } of identities(layout)) {
    const names = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`));
    const usage = `extendedKeyUsage=clientAuth,serverAuth\n${names.length > 0 ? `subjectAltName=${names.join(',')}\n` : ''}`;
    // A higher rung has more addresses; then the kept certificate no longer fits.
    if (existsSync(at(`${name}.crt`)) && readFileSync(at(`${name}.ext`), 'utf8') === usage) continue;
    const subject = `${groups.map((group) => `/O=${group}`).join('')}/CN=${user}`;
    openssl('req', '-new', ...elliptic, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', subject);
    writeFileSync(at(`${name}.ext`), usage);
    const signing = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '3650', '-extfile', at(`${name}.ext`)];
    openssl('x509', '-req', '-in', at(`${name}.csr`), '-out', at(`${name}.crt`), ...signing);
    chmodSync(at(`${name}.key`), 0o600);
  }
  return {
    authority: at('ca.crt'),
    serviceAccountKey: at('service-account.key'),
    serviceAccountPublic: at('service-account.pub'),
    pair: (name) => ({ certificate: at(`${name}.crt`), key: at(`${name}.key`) }),
  };
}

/** Writes a kubeconfig with everything inside, so that the one file can be handed on; returns its path. */
export function writeKubeconfig(layout: Layout, certificates: Certificates, user: string, server = apiUrl(layout)): string {
  const { certificate, key } = certificates.pair(user);
  const inline = (path: string): string => readFileSync(path).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: layout.name, cluster: { server, 'certificate-authority-data': inline(certificates.authority) } }],
    users: [{ name: user, user: { 'client-certificate-data': inline(certificate), 'client-key-data': inline(key) } }],
    contexts: [{ name: layout.name, context: { cluster: layout.name, user } }],
    'current-context': layout.name,
  };
  const path = kubeconfigPath(layout, user);
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 }); // JSON is YAML
  return path;
}

export function kubeconfigPath({ folder }: Layout, user = 'admin'): string {
  return join(folder, `${user}.kubeconfig`);
}
