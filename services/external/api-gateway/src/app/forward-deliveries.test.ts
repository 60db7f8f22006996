import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { deliveriesIn } from '../testing/gateway.ts';
import { createForwarding, type ForwardedDelivery } from './forward-deliveries.ts';

interface Posted {
  readonly deliveries: ReturnType<typeof deliveriesIn>;
  readonly response: ServerResponse;
}

/** A control plane that answers when the test says so. */
async function aControlPlane() {
  const posts: Posted[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((bytes) => posts.push({ deliveries: deliveriesIn(bytes), response }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    forward: createForwarding({ url, token: 'a token' }),
    next: async (): Promise<Posted> => {
      await expect.poll(() => posts.length).toBeGreaterThan(0);
      return posts.shift() as Posted; // there is one
    },
  };
}

function answer({ deliveries, response }: Posted): void {
  const answers = deliveries.map(({ delivery_id: id }) => ({ status: 202, body: { status: 'ignored', reason: id } }));
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ answers }));
}

function aDelivery(deliveryId: string, body = Buffer.from('{}')): ForwardedDelivery {
  return { event: 'ping', deliveryId, bodySha256: 'ab', body };
}

test('what comes while a request is under way goes as one, and each has its own answer', async () => {
  const controlPlane = await aControlPlane();
  const first = controlPlane.forward(aDelivery('first'));
  const underWay = await controlPlane.next();

  const later = ['second', 'third'].map((id) => controlPlane.forward(aDelivery(id)));
  answer(underWay);
  const together = await controlPlane.next();
  answer(together);

  expect([underWay, together].map(({ deliveries }) => deliveries.map((delivery) => delivery.delivery_id))).toEqual([
    ['first'],
    ['second', 'third'],
  ]);
  expect((await Promise.all([first, ...later])).map(({ body }) => body)).toEqual(
    ['first', 'second', 'third'].map((reason) => ({ status: 'ignored', reason })),
  );
});

test('a body of any bytes arrives as it came', async () => {
  const controlPlane = await aControlPlane();
  const body = Buffer.from([0x00, 0xff, 0xc3, 0x28, 0x22, 0x0a]);

  const sent = controlPlane.forward(aDelivery('bytes', body));
  const posted = await controlPlane.next();
  answer(posted);
  await sent;

  expect(posted.deliveries[0]?.body).toEqual(body);
});

test('a large body does not go with others', async () => {
  const controlPlane = await aControlPlane();
  const large = Buffer.alloc(4 * 1024 * 1024, 'x');

  const sent = [controlPlane.forward(aDelivery('small')), controlPlane.forward(aDelivery('large', large))];
  const posts = [await controlPlane.next()];
  answer(posts[0] as Posted);
  posts.push(await controlPlane.next());
  answer(posts[1] as Posted);
  await Promise.all(sent);

  expect(posts.map(({ deliveries }) => deliveries.map((delivery) => delivery.delivery_id))).toEqual([['small'], ['large']]);
});

test.each([
  ['breaks off', (response: ServerResponse) => response.writeHead(200, { 'content-length': '90' }).write('{', () => response.destroy())],
  ['is no JSON', (response: ServerResponse) => response.end('<html>')],
  ['never comes', (response: ServerResponse) => response.destroy()],
])('an answer that %s leaves each delivery unaccepted', async (_, refuse) => {
  const controlPlane = await aControlPlane();

  const sent = Promise.allSettled([controlPlane.forward(aDelivery('one')), controlPlane.forward(aDelivery('two'))]);
  refuse((await controlPlane.next()).response);

  expect((await sent).map((result) => result.status === 'rejected' && result.reason)).toEqual(
    Array.from({ length: 2 }, () => expect.objectContaining({ code: 'service.unavailable' })),
  );
});
