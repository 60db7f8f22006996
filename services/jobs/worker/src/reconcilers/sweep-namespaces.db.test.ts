import {
  claimExpiredNamespaces,
  leaseRunNamespace,
  listRunEvents,
  moveRun,
  namespaceOfRun,
  recordNamespaceUid,
  type Run,
} from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testWorker, type TestWorker } from '../testing/worker.ts';
import { sweepNamespaces } from './sweep-namespaces.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store, { runtime: 'kubernetes' });
});

/** A cancelled run whose namespace is in the cluster. */
async function aLeftNamespace({ isOver = true }: { isOver?: boolean } = {}): Promise<{ run: Run; name: string }> {
  const run = await worker.aRunning({ issueNumber: 7 });
  const name = `ns-${run.id}`;
  await leaseRunNamespace(store.db, { run, name, ttlSec: 3_600 });
  const uid = await worker.runtime.namespaces?.prepare({ name, projectId: run.projectId, runId: run.id, profile: 'develop' });
  await recordNamespaceUid(store.db, { name, uid: uid ?? '' });
  if (isOver) await moveRun(store.db, 'cancel', { id: run.id, actor: { type: 'human', id: 'ann' } });
  await sql`update core.agent_runs set finished_at = now() - interval '1 day' where id = ${run.id} and finished_at is not null`.execute(
    store.db,
  );
  return { run, name };
}

/** As after the time until it is looked at again. */
async function sweepAgain(): Promise<number> {
  await sql`update core.run_namespaces set deleting_at = deleting_at - interval '1 hour'`.execute(store.db);
  return worker.pass(sweepNamespaces);
}

test('the namespace of a run that is over is deleted, and the record says so once it is gone', async () => {
  const { run, name } = await aLeftNamespace();

  const first = await worker.pass(sweepNamespaces);
  const inBetween = await namespaceOfRun(store.db, run.id);
  const second = await sweepAgain();

  expect([first, inBetween?.name, second]).toEqual([0, name, 1]);
  expect(worker.runtime.inCluster.has(name)).toBe(false);
  expect(await namespaceOfRun(store.db, run.id)).toBeUndefined();
  expect(await worker.events(run)).toContain('run.namespace.cleaned');
});

test('that of a run at work stays', async () => {
  const { run, name } = await aLeftNamespace({ isOver: false });

  await worker.pass(sweepNamespaces);

  expect(worker.runtime.inCluster.has(name)).toBe(true);
  expect(await namespaceOfRun(store.db, run.id)).toMatchObject({ deletingAt: null });
});

test('one that does not go away stays on record and is looked after again', async () => {
  const { run, name } = await aLeftNamespace();
  const stuck = worker.runtime.inCluster.get(name);
  if (stuck) stuck.isStuck = true;

  await worker.pass(sweepNamespaces);
  await sweepAgain();
  expect(await namespaceOfRun(store.db, run.id)).toMatchObject({ name });
  worker.runtime.inCluster.delete(name);

  expect(await sweepAgain()).toBe(1);
});

test('another namespace of the same name is left alone for good', async () => {
  const { run, name } = await aLeftNamespace();
  await recordNamespaceUid(store.db, { name, uid: 'another' });

  await worker.pass(sweepNamespaces);

  expect(worker.runtime.inCluster.has(name)).toBe(true);
  const events = await listRunEvents(store.db, { runId: run.id, after: 0, limit: 100 });
  expect(events.find(({ eventType }) => eventType === 'run.namespace.cleanup_failed')?.payload).toMatchObject({
    namespace: name,
    code: 'kube.not_ours',
  });
  expect(await claimExpiredNamespaces(store.db, { keepSec: 0, retrySec: 0, limit: 10 })).toEqual([]);
});

test('one that was made and not yet on record is deleted as well', async () => {
  const { run, name } = await aLeftNamespace();
  await sql`update core.run_namespaces set uid = null`.execute(store.db);

  await worker.pass(sweepNamespaces);
  await sweepAgain();

  expect([worker.runtime.inCluster.has(name), await namespaceOfRun(store.db, run.id)]).toEqual([false, undefined]);
});
