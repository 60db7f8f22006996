import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/**
 * Before a server is closed, which cuts every connection: for a while it still answers whoever comes, and tells each to connect anew, which leads to
 * another replica. Otherwise a client may send a request on a kept connection at the very moment it is closed.
 */
export async function drain({ server }: Pick<FastifyInstance, 'server'>, seconds: number): Promise<void> {
  if (seconds === 0) return;
  server.prependListener('request', (_request: unknown, response: ServerResponse) => {
    response.shouldKeepAlive = false;
  });
  await sleep(seconds * 1_000);
}
