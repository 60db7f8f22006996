/** What the API server counts about itself. */
import { askApi } from '../../dev/cluster/src/ask-api.ts';
import { ensureCertificates } from '../../dev/cluster/src/certificates.ts';
import { readLayout } from '../../dev/cluster/src/layout.ts';

export interface ClusterFigures {
  /** Requests of service accounts outside kube-system: here the workers, and nobody else. */
  readonly workerCalls: number;
  /** By resource, without those there are none of. */
  readonly objects: Readonly<Record<string, number>>;
  readonly etcdMib: number;
}

export async function readClusterFigures(name: string): Promise<ClusterFigures> {
  const layout = readLayout(name);
  if (!layout) throw new Error(`there is no cluster ${name}`);
  const { body } = await askApi(layout, ensureCertificates(layout), '/metrics');
  const lines = body.split('\n');
  const values = (metric: string, label = ''): [string, number][] =>
    lines
      .filter((line) => line.startsWith(`${metric}{`) && line.includes(label))
      .map((line) => [line, Number(line.slice(line.lastIndexOf(' ') + 1))]);
  const sum = (found: readonly [string, number][]): number => found.reduce((total, [, value]) => total + value, 0);
  const objects = ['jobs', 'pods', 'secrets', 'events', 'namespaces'].map((resource): [string, number] => {
    const found = values('apiserver_resource_objects', `resource="${resource}"`);
    return [resource, sum(found.length > 0 ? found : values('apiserver_storage_objects', `resource="${resource}`))];
  });
  return {
    workerCalls: sum(values('apiserver_flowcontrol_dispatched_requests_total', 'flow_schema="service-accounts"')),
    objects: Object.fromEntries(objects),
    etcdMib: Math.max(0, ...values('apiserver_storage_size_bytes').map(([, bytes]) => bytes / 2 ** 20)),
  };
}
