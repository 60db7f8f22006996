import type { HookDelivery } from '@codex-k8s/domain';
import { aRecordedDelivery, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { hostError, testWorker, type TestWorker } from '../testing/worker.ts';
import { recoverDeliveries } from './recover-deliveries.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
let asked: number[];
/** Since when each list was asked for. */
let looked: Date[];
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
  asked = [];
  looked = [];
});

/** The host's list is newest first, so a greater id comes earlier. */
function aDelivery(id: number, fields: Partial<HookDelivery> = {}): HookDelivery {
  return { id, guid: `guid-${id}`, event: 'issues', deliveredAt: new Date(), statusCode: 502, ...fields };
}

/** What was asked for again so far, after as many passes of one worker. */
async function recovered(deliveries: HookDelivery[], passes = 1): Promise<number[]> {
  await worker.aBoundRepository();
  worker.host.deliveries = deliveries;
  const provider = worker.context.providerFor('token');
  const watched: Partial<typeof provider> = {
    redeliver: async (...args) => {
      await provider.redeliver(...args);
      asked.push(args[2]);
    },
    listHookDeliveries: async (...args) => {
      looked.push(args[2]);
      return provider.listHookDeliveries(...args);
    },
  };
  const context = {
    ...worker.context,
    providerFor: () => new Proxy(provider, { get: (target, name) => Reflect.get(name in watched ? watched : target, name) as unknown }),
  };
  const { reconcile } = recoverDeliveries(context);
  for (let n = 0; n < passes; n += 1) await reconcile(AbortSignal.timeout(30_000));
  return asked;
}

test('what did not arrive is asked for again, what happened first first', async () => {
  expect(await recovered([aDelivery(3), aDelivery(2, { statusCode: 0 }), aDelivery(1)])).toEqual([1, 2, 3]);
});

test('a worker looks back a day once, and then to shortly before the newest that it has seen to', async () => {
  const hour = 3_600_000;
  const newest = new Date(Date.now() - 2 * hour);

  await recovered(
    [aDelivery(2, { statusCode: 202, deliveredAt: newest }), aDelivery(1, { deliveredAt: new Date(Date.now() - 5 * hour) })],
    2,
  );

  expect(Date.now() - (looked[0]?.getTime() ?? 0)).toBeGreaterThanOrEqual(24 * hour);
  expect(looked[1]).toEqual(new Date(newest.getTime() - 120_000));
});

test('what is too much for one pass is looked for again', async () => {
  const many = Array.from({ length: 25 }, (_, n) => aDelivery(25 - n));

  await recovered(many, 2);

  expect(looked[1]?.getTime()).toBe(looked[0]?.getTime());
});

test('what arrived, at once or later, and what is on record is left alone; so is a ping', async () => {
  await aRecordedDelivery(store, { deliveryId: 'guid-4', result: 'accepted' });

  const ids = await recovered([
    aDelivery(6, { event: 'ping' }),
    aDelivery(5, { guid: 'guid-3', statusCode: 202 }),
    aDelivery(4),
    aDelivery(3),
    aDelivery(2, { statusCode: 200 }),
  ]);

  expect(ids).toEqual([]);
});

test('a delivery that the host does not hand over any more does not keep the others', async () => {
  let isFirst = true;
  worker.host.meanwhile.set('redeliver', () => {
    if (!isFirst) return;
    isFirst = false;
    throw hostError('github.not_found');
  });

  expect(await recovered([aDelivery(2), aDelivery(1)])).toEqual([2]);
});

test('a host that limits the rate is left alone until the next time', async () => {
  worker.host.failing.set('redeliver', hostError('github.rate_limited'));

  expect(await recovered([aDelivery(2), aDelivery(1)])).toEqual([]);

  expect(worker.host.count('redeliver')).toBe(1);
});

test('a repository that is closed to us does not keep the others', async () => {
  await worker.aBoundRepository();
  let isFirst = true;
  worker.host.meanwhile.set('listHookDeliveries', () => {
    if (!isFirst) return;
    isFirst = false;
    throw hostError('github.unauthorized');
  });

  expect(await recovered([aDelivery(1)])).toEqual([1]);
});
