import { randomUUID } from 'node:crypto';
import type { RefusalReason } from '@codex-k8s/domain';
import { claimUnansweredDeliveries, markDeliveryAnswered, type Repository } from '@codex-k8s/store';
import { aRecordedDelivery, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { hostError, testWorker, type TestWorker } from '../testing/worker.ts';
import { answerRefusals } from './answer-refusals.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
let repository: Repository;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
  repository = await worker.aBoundRepository();
});

async function refused(
  reason: RefusalReason,
  details: Readonly<Record<string, unknown>> = { label: 'run:dev' },
  issueNumber: number | null = 7,
): Promise<string> {
  const deliveryId = randomUUID();
  await aRecordedDelivery(store, { deliveryId, reason, repositoryId: repository.id, issueNumber, needsAnswer: true, details });
  return deliveryId;
}

/** What a worker is given to answer. */
async function claimed(): Promise<Set<string>> {
  const deliveries = await claimUnansweredDeliveries(store.db, { claimSec: 60, limit: 20, except: [] });
  return new Set(deliveries.map(({ deliveryId }) => deliveryId));
}

async function unanswered(): Promise<number> {
  const { rows } = await sql`select 1 from core.webhook_deliveries where needs_answer`.execute(store.db);
  return rows.length;
}

test.each([
  ['sender_type_bot_not_permitted', /set by a bot/],
  ['sender_not_allowed', /no user of the platform/],
  ['sender_not_project_member', /no member of the project/],
  ['sender_role_not_permitted', /may only read/],
  ['issue_closed', /is closed/],
  ['stage_blocked', /blocked/],
] as const)('%s is explained and the label stays for a person to see', async (reason, words) => {
  worker.host.labels.set(7, ['run:dev']);
  await refused(reason);

  await worker.pass(answerRefusals);

  expect(worker.host.comments.map(({ body }) => body)).toEqual([expect.stringMatching(words)]);
  expect([worker.host.labels.get(7), await unanswered()]).toEqual([['run:dev'], 0]);
});

test('a label that can start nothing is taken off', async () => {
  worker.host.labels.set(7, ['run:dev', 'bug']);
  await refused('active_run_exists', { label: 'run:dev', active_run_id: 'r-1' });

  await worker.pass(answerRefusals);

  expect(worker.host.labels.get(7)).toEqual(['bug']);
  expect(worker.host.comments[0]?.body).toContain('/runs/r-1');
});

test('two labels set at once are explained once, although they are two deliveries', async () => {
  const details = { label: 'run:dev', conflicting: ['run:dev', 'run:qa'] };
  await refused('issue_trigger_label_conflict', details);
  await refused('issue_trigger_label_conflict', { ...details, label: 'run:qa' });

  expect([await worker.pass(answerRefusals), await worker.pass(answerRefusals), await worker.pass(answerRefusals)]).toEqual([1, 1, 0]);

  expect(worker.host.comments).toHaveLength(1);
  expect(await unanswered()).toBe(0);
});

test('an explanation that was posted just before a crash is not doubled', async () => {
  const deliveryId = await refused('stage_blocked');
  worker.host.comments.push({ id: 1, number: 7, body: `x\n\n<!-- codex-k8s:refusal ${deliveryId} -->`, author: '', htmlUrl: '' });
  worker.host.comments.push({ id: 2, number: 7, body: 'a person speaks', author: 'ann', htmlUrl: '' });

  await worker.pass(answerRefusals);

  expect(worker.host.comments).toHaveLength(2);
  expect(await unanswered()).toBe(0);
});

test.each([
  ['is away', hostError('github.unavailable')],
  ['refuses the token', hostError('github.unauthorized')],
  ['meets a defect of ours', new TypeError('x')],
])('a host that %s delays the explanation; it is not lost', async (_, error) => {
  await refused('stage_blocked');
  worker.host.failing.set('createComment', error);

  expect(await worker.pass(answerRefusals)).toBe(0);
  worker.host.failing.clear();
  expect(await worker.pass(answerRefusals)).toBe(0); // not yet
  await sql`update core.webhook_deliveries set answer_retry_at = now()`.execute(store.db);
  await worker.pass(answerRefusals);

  expect(worker.host.comments).toHaveLength(1);
});

test('an explanation that nobody can be given for a day is given up', async () => {
  await refused('stage_blocked');
  await sql`update core.webhook_deliveries set received_at = now() - interval '25 hours'`.execute(store.db);
  worker.host.failing.set('createComment', hostError('github.not_found'));

  await worker.pass(answerRefusals);

  expect(await unanswered()).toBe(0);
});

test('of two workers one answers', async () => {
  await refused('stage_blocked');

  const [one, other] = await Promise.all([claimed(), claimed()]);

  expect(one.size + other.size).toBe(1);
});

test('the second refusal of an issue waits for the first, also on another worker; those of other issues do not', async () => {
  const [first, second] = [await refused('stage_blocked'), await refused('stage_blocked')];
  const elsewhere = await refused('stage_blocked', {}, 8);
  const nowhere = await refused('stage_blocked', {}, null);
  await sql`update core.webhook_deliveries set received_at = received_at - interval '1 second' where delivery_id = ${first}`.execute(
    store.db,
  );

  expect(await claimed()).toEqual(new Set([first, elsewhere, nowhere]));
  expect(await claimed()).toEqual(new Set());
  await markDeliveryAnswered(store.db, { deliveryId: first });
  expect(await claimed()).toEqual(new Set([second]));
});
