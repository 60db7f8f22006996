import { createServer } from 'node:net';
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

/** Five ports in a row from the wanted one; without a wish the first free block from 8080 on. `config.invalid` when a wanted port is taken. */
export async function choosePorts(wanted: number | undefined): Promise<Ports> {
  if (wanted !== undefined) {
    const ports = wanted === 0 ? blockAt(await randomBlock()) : blockAt(wanted);
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
