import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AppError } from '@codex-k8s/domain';

/** The trial's listeners; `public` is the one people open. */
export interface Ports {
  readonly gateway: number;
  readonly github: number;
  readonly model: number;
  readonly controlPlane: number;
  readonly worker: number;
}

const defaultPort = 8080;
const blockSize = 5;

function blockAt(first: number): Ports {
  return { gateway: first, github: first + 1, model: first + 2, controlPlane: first + 3, worker: first + 4 };
}

/**
 * Five ports in a row. A data folder keeps the ones it had: agents that outlived a killed platform, webhooks and links still reach it.
 * `wanted` 0 takes any free block, undefined the first free one from 8080 on. `config.invalid` when a wanted port is taken.
 */
export async function choosePorts({ wanted, dataDir }: { wanted: number | undefined; dataDir: string }): Promise<Ports> {
  const path = join(dataDir, 'ports.json');
  const ports = (await keptPorts(path, wanted)) ?? (await newPorts(wanted));
  writeFileSync(path, JSON.stringify(ports));
  return ports;
}

async function keptPorts(path: string, wanted: number | undefined): Promise<Ports | undefined> {
  if (!existsSync(path)) return undefined;
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Ports; // written above only
  const isWanted = wanted === undefined || wanted === 0 || wanted === kept.gateway;
  return isWanted && (await firstTaken(kept)) === undefined ? kept : undefined;
}

async function newPorts(wanted: number | undefined): Promise<Ports> {
  if (wanted !== undefined) {
    const ports = blockAt(wanted === 0 ? await randomBlock() : wanted);
    const taken = await firstTaken(ports);
    if (taken === undefined) return ports;
    throw new AppError(
      'config.invalid',
      `Port ${taken} is in use. The platform needs ${blockSize} ports from --port on; choose another --port.`,
    );
  }
  for (let first = defaultPort; first < defaultPort + 40 * blockSize; first += blockSize) {
    const ports = blockAt(first);
    if ((await firstTaken(ports)) === undefined) return ports;
  }
  throw new AppError('config.invalid', 'No free ports from 8080 on; name some with --port.');
}

async function firstTaken(ports: Ports): Promise<number | undefined> {
  for (const port of Object.values(ports) as number[]) if (!(await isFree(port))) return port; // all members are ports
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A block above the ports the system hands out on its own, so that it stays free until it is used. */
async function randomBlock(): Promise<number> {
  for (;;) {
    const first = 12_000 + Math.floor(Math.random() * 3_000) * blockSize;
    if ((await firstTaken(blockAt(first))) === undefined) return first;
  }
}
