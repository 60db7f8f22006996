import { randomUUID } from 'node:crypto';
import { aProject, aRepository, aRun, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { claimExpiredNamespaces, forgetNamespace, leaseRunNamespace, namespaceOfRun, recordNamespaceUid } from './run-namespaces.ts';
import { moveRun, type Run } from './runs.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
const project = await aProject(store);
const repository = await aRepository(store, project.id);
const actor = { type: 'system', id: 'worker' } as const;
const soon = { keepSec: 0, retrySec: 60, limit: 100 };

let run: Run;
beforeEach(async () => {
  await claimExpiredNamespaces(store.db, soon); // what earlier tests have left
  run = await aRun(store, { repository });
});

function lease(of: Run, ttlSec = 0, name = `ns-${randomUUID()}`) {
  return leaseRunNamespace(store.db, { run: of, name, ttlSec });
}

async function expired(keepSec = 0): Promise<string[]> {
  return (await claimExpiredNamespaces(store.db, { ...soon, keepSec })).map(({ name }) => name);
}

async function awaitOwner(of: Run): Promise<void> {
  await moveRun(store.db, 'start', { id: of.id, actor });
  await moveRun(store.db, 'awaitOwner', { id: of.id, actor });
}

test('a later run of the same agent on the same issue goes on in the namespace, and nobody else', async () => {
  const first = await lease(run);
  await recordNamespaceUid(store.db, { name: first.name, uid: 'uid-1' });
  await awaitOwner(run);
  const revise = await aRun(store, { repository, issueNumber: run.issueNumber ?? 0, runKind: 'revise' });
  const reviewer = await aRun(store, { repository, issueNumber: run.issueNumber ?? 0, agentKey: 'reviewer', runKind: 'review' });
  const other = await aRun(store, { repository });

  const again = await lease(revise);

  expect([again.name, again.uid, again.runId]).toEqual([first.name, 'uid-1', revise.id]);
  expect((await lease(reviewer)).name).not.toBe(first.name);
  expect((await lease(other)).name).not.toBe(first.name);
  expect((await lease(revise)).name).toBe(first.name);
  expect((await namespaceOfRun(store.db, revise.id))?.name).toBe(first.name);
});

test('a namespace whose run works, or may be asked for changes, stays', async () => {
  const working = await lease(run);
  const waiting = await aRun(store, { repository });
  const kept = await lease(waiting, 3_600);
  await awaitOwner(waiting);

  const gone = await expired();

  expect(gone).not.toContain(working.name);
  expect(gone).not.toContain(kept.name);
});

test('it expires when its run waited too long, is over, or is gone', async () => {
  const late = await lease(run, 0);
  await awaitOwner(run);
  const over = await aRun(store, { repository });
  const ended = await lease(over, 3_600);
  await moveRun(store.db, 'cancel', { id: over.id, actor });
  const lost = await leaseRunNamespace(store.db, { run: { ...over, id: randomUUID(), issueNumber: null }, name: 'ns-lost', ttlSec: 3_600 });

  expect(await expired(3_600)).toEqual(expect.arrayContaining([late.name, lost.name]));
  expect(await expired(0)).toEqual([ended.name]);
});

test('one that is being deleted is nobody’s any more, and is looked after again until it is gone', async () => {
  const first = await lease(run);
  await awaitOwner(run);
  await expired();
  const revise = await aRun(store, { repository, issueNumber: run.issueNumber ?? 0, runKind: 'revise' });

  const second = await lease(revise);

  expect(second.name).not.toBe(first.name);
  expect(await expired()).toEqual([]);
  expect((await claimExpiredNamespaces(store.db, { ...soon, retrySec: 0 })).map(({ name }) => name)).toContain(first.name);
  await forgetNamespace(store.db, first.name);
  expect((await claimExpiredNamespaces(store.db, { ...soon, retrySec: 0 })).map(({ name }) => name)).not.toContain(first.name);
});

test('two workers never delete the same one at once', async () => {
  const leased = await Promise.all(Array.from({ length: 10 }, async () => lease(await aRun(store, { repository }))));
  for (const { runId } of leased) await moveRun(store.db, 'cancel', { id: runId, actor });

  const lists = await Promise.all([expired(), expired(), expired()]);

  const mine = new Set(leased.map(({ name }) => name));
  expect(
    lists
      .flat()
      .filter((name) => mine.has(name))
      .toSorted(),
  ).toEqual([...mine].toSorted());
});
