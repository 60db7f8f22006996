import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import fastify from 'fastify';
import { drain } from './drain.ts';

const app = fastify();
app.get('/', async () => 'here');

afterEach(() => app.close());

/** The answer's `connection` header, over a kept connection. */
async function ask(url: string, agent: Agent): Promise<readonly [status: number | undefined, connection: string | undefined]> {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage]; // node's documented argument
  response.resume();
  await once(response, 'end');
  return [response.statusCode, response.headers.connection];
}

test('a server that drains answers, and keeps no connection', async () => {
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const before = await ask(url, agent);

  const drained = drain(app, 0.2);
  const during = await ask(url, agent);
  await drained;
  agent.destroy();

  expect([before, during]).toEqual([
    [200, 'keep-alive'],
    [200, 'close'],
  ]);
});
