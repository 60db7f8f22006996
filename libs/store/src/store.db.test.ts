import { isAppError } from '@codex-k8s/domain';
import { openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { translateDatabaseError, type Store } from './index.ts';

const store: Store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());

test.skipIf(store.kind === 'pglite')('a connection lost between two statements fails the transaction, not the process', async () => {
  const transaction = store.db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(store.db);
    await new Promise((resolve) => setTimeout(resolve, 100)); // the loss arrives while nothing is asked
    await sql`select 1`.execute(tx);
  });

  const error = await transaction.catch((thrown: unknown) => translateDatabaseError(thrown));
  expect(isAppError(error, 'database.unavailable')).toBe(true);
  expect((await sql<{ one: number }>`select 1 as one`.execute(store.db)).rows).toEqual([{ one: 1 }]);
});
