import { appendLog, getLogHead, moveRun, readLog, type Run } from '@codex-k8s/store';
import { aRecordedDelivery, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testWorker, type TestWorker } from '../testing/worker.ts';
import { expireHistory } from './expire-history.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

async function withLog(issueNumber: number, days: number): Promise<Run> {
  const run = await worker.aRunning({ issueNumber });
  const lines = [{ stream: 'agent', text: 'said', at: new Date().toISOString() }];
  await appendLog(store.db, { runId: run.id, attempt: 1, seq: 1, lines, maxBytes: 1000 });
  await sql`update audit.run_log_heads set updated_at = now() - make_interval(days => ${days}) where run_id = ${run.id}`.execute(store.db);
  return run;
}

test('old logs of ended runs go and say so; those of unfinished and of recent runs stay', async () => {
  const [old, unfinished, recent] = [await withLog(1, 15), await withLog(2, 15), await withLog(3, 13)];
  for (const { id } of [old, recent]) await moveRun(store.db, 'cancel', { id, actor: { type: 'human', id: 'ann' } });

  await worker.pass(expireHistory);

  const kept = async ({ id: runId }: Run) => (await readLog(store.db, { runId, limit: 10 })).length;
  expect([await kept(old), await kept(unfinished), await kept(recent)]).toEqual([0, 1, 1]);
  expect(await getLogHead(store.db, old.id)).toMatchObject({ expired: true });
  expect((await worker.events(old)).length).toBeGreaterThan(0); // the timeline stays
});

test('old deliveries are forgotten, except those that still need an answer', async () => {
  for (const [deliveryId, needsAnswer, days] of [
    ['old', false, 31],
    ['old-unanswered', true, 31],
    ['recent', false, 29],
  ] as const) {
    await aRecordedDelivery(store, { deliveryId, needsAnswer });
    await sql`update core.webhook_deliveries set received_at = now() - make_interval(days => ${days}) where delivery_id = ${deliveryId}`.execute(
      store.db,
    );
  }

  await worker.pass(expireHistory);

  const { rows } = await sql<{ deliveryId: string }>`select delivery_id from core.webhook_deliveries order by 1`.execute(store.db);
  expect(rows.map(({ deliveryId }) => deliveryId)).toEqual(['old-unanswered', 'recent']);
});
