import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { clustersFolder } from './config.ts';
import { rungs, type Rung } from './versions.ts';

/** Everything about one cluster that must stay the same between commands; kept in its folder as `cluster.json`. */
export interface Layout {
  readonly name: string;
  readonly rung: Rung;
  readonly folder: string;
  readonly ports: Readonly<Record<PortName, number>>;
  /** With a real node: the cluster's own network namespace and the addresses of the wire between it and the host. */
  readonly network?: Network;
}

export interface Network {
  readonly namespace: string;
  readonly hostLink: string;
  readonly innerLink: string;
  readonly hostAddress: string;
  readonly address: string;
}

export const portNames = ['etcd', 'etcdPeer', 'api', 'controllerManager', 'scheduler'] as const;
export type PortName = (typeof portNames)[number];

/** Inside the cluster's own network namespace, so the same in every cluster. */
export const podBridge = { name: 'cni0', address: '10.244.0.1', cidr: '10.244.0.0/24', mac: '02:00:0a:f4:00:01' } as const;
export const serviceRange = { cidr: '10.96.0.0/24', first: '10.96.0.1' } as const;
export const registryPort = 5000;

export const nameRule = /^[a-z][a-z0-9]{0,7}$/; // also part of the names of network links, which have 15 characters

export function clusterFolder(name: string): string {
  return join(clustersFolder(), name);
}

export function listClusters(): string[] {
  const folder = clustersFolder();
  return existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'cluster.json'))) : [];
}

export function readLayout(name: string): Layout | undefined {
  const path = join(clusterFolder(name), 'cluster.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Layout) : undefined; // written below only
}

/** The layout of a new cluster, or the kept one; a higher rung extends it. */
export async function makeLayout({ name, rung }: { name: string; rung: Rung }): Promise<Layout> {
  const kept = readLayout(name);
  if (kept && rungs.indexOf(kept.rung) >= rungs.indexOf(rung)) return kept;
  const folder = clusterFolder(name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const layout: Layout = {
    name,
    rung,
    folder,
    ports: kept?.ports ?? (await freePorts()),
    ...(rung === 'node' && { network: freeNetwork(name) }),
  };
  writeFileSync(join(folder, 'cluster.json'), `${JSON.stringify(layout, undefined, 2)}\n`);
  return layout;
}

async function freePorts(): Promise<Record<PortName, number>> {
  const held = await Promise.all(portNames.map(async (name) => ({ name, ...(await holdPort()) })));
  for (const { release } of held) release();
  return Object.fromEntries(held.map(({ name, port }) => [name, port])) as Record<PortName, number>; // one entry per name
}

function holdPort(): Promise<{ port: number; release: () => void }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address ? address.port : 0, release: () => void server.close() });
    });
  });
}

/** A /30 between host and cluster that neither another cluster has, wherever its files are, nor the machine itself. */
function freeNetwork(name: string): Network {
  const ofClusters = listClusters().flatMap((other) => readLayout(other)?.network?.hostAddress ?? []);
  const ofMachine = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
  const taken = new Set([...ofClusters, ...ofMachine]);
  for (let block = 0; block < 64; block++) {
    const hostAddress = `10.213.7.${block * 4 + 1}`;
    if (taken.has(hostAddress)) continue;
    return {
      namespace: `ck8s-${name}`,
      hostLink: `ck8s${name}h`,
      innerLink: `ck8s${name}c`,
      hostAddress,
      address: `10.213.7.${block * 4 + 2}`,
    };
  }
  throw new Error('64 clusters with a node stand already; take some down.');
}

/** Where the host reaches the API server. */
export function apiUrl({ network, ports }: Layout): string {
  return `https://${network?.address ?? '127.0.0.1'}:${ports.api}`;
}
