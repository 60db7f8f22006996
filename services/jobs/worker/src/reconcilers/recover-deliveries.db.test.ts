import type { HookDelivery } from '@codex-k8s/domain';
import { aRecordedDelivery, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { hostError, testWorker, type TestWorker } from '../testing/worker.ts';
import { recoverDeliveries } from './recover-deliveries.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
let asked: number[];
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
  asked = [];
});

/** The host's list is newest first, so a greater id comes earlier. */
function aDelivery(id: number, fields: Partial<HookDelivery> = {}): HookDelivery {
  return { id, guid: `guid-${id}`, event: 'issues', deliveredAt: new Date(), statusCode: 502, ...fields };
}

async function recovered(deliveries: HookDelivery[]): Promise<number[]> {
  await worker.aBoundRepository();
  worker.host.deliveries = deliveries;
  const provider = worker.context.providerFor('token');
  const context = {
    ...worker.context,
    providerFor: () =>
      new Proxy(provider, {
        get: (target, name) =>
          name === 'redeliver'
            ? async (...args: Parameters<typeof provider.redeliver>) => {
                await target.redeliver(...args);
                asked.push(args[2]);
              }
            : (Reflect.get(target, name) as unknown),
      }),
  };
  await recoverDeliveries(context).reconcile(AbortSignal.timeout(30_000));
  return asked;
}

test('what did not arrive is asked for again, what happened first first', async () => {
  expect(await recovered([aDelivery(3), aDelivery(2, { statusCode: 0 }), aDelivery(1)])).toEqual([1, 2, 3]);
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
