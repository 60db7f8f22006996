/** A PostgreSQL that the chart knows nothing of: in a namespace of its own, reached by its address and a Secret, over TLS by an authority of its own. */
import { randomBytes } from 'node:crypto';
import { applyObject, type Kube } from '@codex-k8s/kube';
import { openStore, type Store } from '@codex-k8s/store';
import { sql } from 'kysely';
import { namespace, nodeAddress, type RealNode } from './chart-platform.ts';
import { makeCertificate, type TestCertificate } from './test-certificate.ts';
import { until } from './trial-platform.ts';

export const externalNamespace = 'external-database';
const port = 5432;
const nodePort = 30_432;
/** Keys of one's own, which the values have to name. */
const secret = { name: 'external-database', urlKey: 'primary', readUrlKey: 'lists' };
const trustedCertificates = { configMap: 'authorities', key: 'ours.pem' };
const host = `postgres.${externalNamespace}.svc`;

/** Its user owns the database and has no other right, so the extension is made for it. */
const start = `set -eu
run_as_admin() { postgres --single -D /data/pgdata "$1"; }
initdb --pgdata=/data/pgdata --username=postgres --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync
printf 'hostssl all all all scram-sha-256\\n' >>/data/pgdata/pg_hba.conf
umask 077
printf '%s' "$CERTIFICATE" >/data/server.crt
printf '%s' "$CERTIFICATE_KEY" >/data/server.key
printf "create role platform login password '%s'\\ncreate database platform owner platform\\n" "$PASSWORD" | run_as_admin postgres
echo 'create extension vector' | run_as_admin platform
exec postgres -D /data/pgdata -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off \\
  -c ssl=on -c ssl_cert_file=/data/server.crt -c ssl_key_file=/data/server.key
`;

export interface ExternalDatabase extends AsyncDisposable {
  /** Of the chart. */
  readonly values: object;
  readonly store: Store;
  /** Makes what the values name: the Secret, with the right password or another one, and the ConfigMap of the authority. */
  tellPlatform(password?: string): Promise<void>;
  /** Connections over TLS that are open to the address for lists. */
  countReaders(): Promise<number>;
  ready(): Promise<unknown>;
}

/** Starts it and does not wait. */
export async function startExternalDatabase(
  kube: Kube,
  { image, node, folder }: { image: string; node: RealNode; folder: string },
): Promise<ExternalDatabase> {
  const password = randomBytes(16).toString('hex');
  const certificate = makeCertificate(folder, [`DNS:${host}`]);
  for (const object of objectsOf({ image, password, certificate })) await applyObject(kube, object);
  const store = openStore(`postgres://platform:${password}@${nodeAddress(node)}:${nodePort}/platform?sslmode=no-verify`, { poolSize: 1 });
  return {
    values: { postgresql: { enabled: false }, externalDatabase: { secret }, trustedCertificates },
    store,
    tellPlatform: async (word = password) => {
      const url = `postgres://platform:${word}@${host}:${port}/platform?sslmode=verify-full`;
      await applyObject(kube, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret.name, namespace },
        stringData: { [secret.urlKey]: url, [secret.readUrlKey]: `${url}&application_name=lists` },
      });
      await applyObject(kube, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: trustedCertificates.configMap, namespace },
        data: { [trustedCertificates.key]: certificate.authority },
      });
    },
    countReaders: async () => {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from pg_stat_activity join pg_stat_ssl using (pid) where application_name = 'lists' and ssl`.execute(
        store.db,
      );
      return rows[0]?.count ?? 0;
    },
    ready: () =>
      until('the external database', async () => {
        const { status } = await kube.core.readNamespacedPod({ namespace: externalNamespace, name: 'postgres' });
        return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
      }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await kube.core.deleteNamespacedPod({ namespace: externalNamespace, name: 'postgres', gracePeriodSeconds: 0 });
      await kube.core.deleteNamespace({ name: externalNamespace });
    },
  };
}

function objectsOf({ image, password, certificate }: { image: string; password: string; certificate: TestCertificate }): object[] {
  const labels = { app: 'postgres' };
  const metadata = { name: 'postgres', namespace: externalNamespace, labels };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: externalNamespace } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'NodePort', selector: labels, ports: [{ port, nodePort }] } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': 'node1' },
        containers: [
          {
            name: 'postgres',
            image,
            command: ['bash', '-c', start],
            env: [
              { name: 'PASSWORD', value: password },
              { name: 'CERTIFICATE', value: certificate.certificate },
              { name: 'CERTIFICATE_KEY', value: certificate.key },
            ],
            readinessProbe: { exec: { command: ['pg_isready', '--quiet', '--host=127.0.0.1'] }, periodSeconds: 1 },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
        securityContext: { fsGroup: 999 },
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    },
  ];
}
