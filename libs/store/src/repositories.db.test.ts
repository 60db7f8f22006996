import { aProject, aRepository, aRun, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeRun, getRepository, getRun, reencryptRepositoryToken, updateRepository, type Repository, type Store } from './index.ts';

let store: Store;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store[Symbol.asyncDispose]());

async function bound(): Promise<Repository> {
  return aRepository(store, (await aProject(store)).id);
}

test('a token that a person stores while keys are rotated is not replaced by the one before it', async () => {
  const { id, tokenEncrypted: read } = await bound();
  await updateRepository(store.db, { id, tokenEncrypted: Buffer.from("a person's new token") });

  const isReplaced = await reencryptRepositoryToken(store.db, { id, from: read, to: Buffer.from('the old token, rotated') });

  expect(isReplaced).toBe(false);
  expect((await getRepository(store.db, id))?.tokenEncrypted.toString()).toBe("a person's new token");
});

test('of twenty rotations at once one replaces the token', async () => {
  const { id, tokenEncrypted: from } = await bound();

  const done = await Promise.all(
    Array.from({ length: 20 }, (_, n) => reencryptRepositoryToken(store.db, { id, from, to: Buffer.from(`rotated ${n}`) })),
  );

  expect(done.filter(Boolean)).toHaveLength(1);
});

test('a new token lets the platform say at once what the old one could not, and leaves alone what is being said', async () => {
  const repository = await bound();
  const given = await aRun(store, { repository });
  const claimed = await aRun(store, { repository });
  await changeRun(store.db, { id: given.id, set: { publishRetryAt: new Date(Date.now() + 3_600_000) } });
  const until = new Date(Date.now() + 20_000);
  await changeRun(store.db, { id: claimed.id, set: { publishRetryAt: until } });

  await updateRepository(store.db, { id: repository.id, tokenEncrypted: Buffer.from('new') });

  expect((await getRun(store.db, given.id))?.publishRetryAt).toBeNull();
  expect((await getRun(store.db, claimed.id))?.publishRetryAt).toEqual(until);
});
