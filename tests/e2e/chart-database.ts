/** A PostgreSQL that the chart knows nothing of: in a namespace of its own, reached by its address and a Secret. */
import { randomBytes } from 'node:crypto';
import { applyObject, type Kube } from '@codex-k8s/kube';
import { openStore, type Store } from '@codex-k8s/store';
import { namespace, nodeAddress, type RealNode } from './chart-platform.ts';
import { until } from './trial-platform.ts';

export const externalNamespace = 'external-database';
const port = 5432;
const nodePort = 30_432;
/** Keys of one's own, which the values have to name. */
const secret = { name: 'external-database', urlKey: 'primary', readUrlKey: 'lists' };

/** Its user owns the database and has no other right, so the extension is made for it. */
const start = `set -eu
run_as_admin() { postgres --single -D /data/pgdata "$1"; }
initdb --pgdata=/data/pgdata --username=postgres --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync
printf 'host all all all scram-sha-256\\n' >>/data/pgdata/pg_hba.conf
printf "create role platform login password '%s'\\ncreate database platform owner platform\\n" "$PASSWORD" | run_as_admin postgres
echo 'create extension vector' | run_as_admin platform
exec postgres -D /data/pgdata -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off
`;

export interface ExternalDatabase extends AsyncDisposable {
  /** Of the chart. */
  readonly values: object;
  readonly store: Store;
  /** Makes the Secret that the values name, with the right password or another one. */
  tellPlatform(password?: string): Promise<void>;
  ready(): Promise<unknown>;
}

/** Starts it and does not wait. */
export async function startExternalDatabase(kube: Kube, { image, node }: { image: string; node: RealNode }): Promise<ExternalDatabase> {
  const password = randomBytes(16).toString('hex');
  const urlAt = (host: string, hostPort: number, word = password): string => `postgres://platform:${word}@${host}:${hostPort}/platform`;
  for (const object of objectsOf({ image, password })) await applyObject(kube, object);
  const store = openStore(urlAt(nodeAddress(node), nodePort), { poolSize: 1 });
  return {
    values: { postgresql: { enabled: false }, externalDatabase: { secret } },
    store,
    tellPlatform: async (word) => {
      const url = urlAt(`postgres.${externalNamespace}.svc`, port, word);
      await applyObject(kube, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret.name, namespace },
        stringData: { [secret.urlKey]: url, [secret.readUrlKey]: url },
      });
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

function objectsOf({ image, password }: { image: string; password: string }): object[] {
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
            env: [{ name: 'PASSWORD', value: password }],
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
