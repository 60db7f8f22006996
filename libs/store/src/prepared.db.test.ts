import { aProject, aRepository, aRun, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { lockIssue, lookUpDelivery } from './deliveries.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
const repository = await aRepository(store, (await aProject(store)).id);

test('PostgreSQL keeps the plan of a marked statement for the connection', async () => {
  const kept = await store.db.transaction().execute(async (tx) => {
    for (let issueNumber = 1; issueNumber <= 2; issueNumber += 1) await lockIssue(tx, { repository: 'acme/shop', issueNumber });
    return sql`select count(*)::int as count from pg_prepared_statements where statement like '%pg_advisory_xact_lock%'`.execute(tx);
  });

  expect(kept.rows).toEqual([{ count: store.kind === 'postgresql' ? 1 : 0 }]);
});

test('a migration that adds columns does not break statements whose plan is kept', async () => {
  for (let n = 0; n < 7; n += 1) await aRun(store, { repository }); // the server settles on one plan after five

  await sql`alter table core.agent_runs add column later text, add column sooner text default 'x'`.execute(store.db);
  await sql`alter table core.repositories add column later text`.execute(store.db);

  for (let n = 0; n < 12; n += 1) await aRun(store, { repository });
  const question = { deliveryId: 'a', eventType: 'issues', bodySha256: 'b', windowSec: 1, repositoryId: repository.externalId };
  const found = await store.db.transaction().execute((tx) => lookUpDelivery(tx, question));
  expect(found).toMatchObject({ known: undefined, repository: { id: repository.id } });
});
