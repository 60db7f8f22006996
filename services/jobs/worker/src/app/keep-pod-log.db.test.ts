import { randomUUID } from 'node:crypto';
import { signToken } from '@codex-k8s/http';
import { encryptSecret } from '@codex-k8s/runtime';
import { appendLog, moveRun, readLog, repositoryTokenContext, updateRepository, type Run } from '@codex-k8s/store';
import { emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { finishRuns } from '../reconcilers/finish-runs.ts';
import { cleanWorkspaces, sweepProcesses } from '../reconcilers/sweep-processes.ts';
import { watchRuns } from '../reconcilers/watch-runs.ts';
import { testWorker, type TestWorker } from '../testing/worker.ts';
import { keepPodLog } from './keep-pod-log.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store);
});

const at = new Date('2026-01-02T03:04:05.000Z');
const said = (text: string) => ({ stream: 'runner', text, at: at.toISOString() });

function prints(run: Run, ...texts: string[]): void {
  worker.runtime.printed.set(
    `${run.id}/${run.attempt}`,
    texts.map((text) => ({ at, text })),
  );
}

async function logOf({ id: runId }: Run) {
  return (await readLog(store.db, { runId, limit: 1_000 })).map(({ attempt, stream, text }) => [attempt, stream, text]);
}

const note = (attempt: number): string =>
  `The runner of attempt ${attempt} sent no log. The cluster has this of its container, at most the last 200 lines:`;

test('what a pod said whose runner never spoke is in the log, each attempt once', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 } });
  prints(run, 'no such address', 'bye');

  await worker.pass(watchRuns); // lost, and replaced by attempt 2
  const next = await worker.run(run);
  prints(next, 'again');
  await Promise.all(Array.from({ length: 20 }, () => keepPodLog(worker.context, next)));

  expect(await logOf(run)).toEqual([
    [1, 'cluster', note(1)],
    [1, 'cluster', 'no such address'],
    [1, 'cluster', 'bye'],
    [2, 'cluster', note(2)],
    [2, 'cluster', 'again'],
  ]);
  expect((await readLog(store.db, { runId: run.id, limit: 1 }))[0]?.at).toBe(at.toISOString());
});

test('a runner that has sent its own log is not read again from the cluster', async () => {
  const run = await worker.aRunning({ policy: { max_attempts: 3 } });
  await appendLog(store.db, { runId: run.id, attempt: 1, seq: 1, lines: [said('hello')], maxBytes: 1_000 });
  prints(run, 'hello');

  await worker.pass(watchRuns);

  expect(await logOf(run)).toEqual([[1, 'runner', 'hello']]);
});

test('a runner that speaks after all is written below what the cluster had', async () => {
  const run = await worker.aRunning();
  prints(run, 'slow');
  await keepPodLog(worker.context, run);

  await appendLog(store.db, { runId: run.id, attempt: 1, seq: 1, lines: [said('here I am')], maxBytes: 1_000 });

  expect(await logOf(run)).toEqual([
    [1, 'cluster', note(1)],
    [1, 'cluster', 'slow'],
    [1, 'runner', 'here I am'],
  ]);
});

test('tokens of the run, the repository and the model do not survive', async () => {
  const repository = await worker.aBoundRepository();
  const [repositoryToken, modelKey] = [`plain-${randomUUID()}`, `model-${randomUUID()}`];
  const tokenEncrypted = encryptSecret(worker.context.keys, { value: repositoryToken, context: repositoryTokenContext(repository.id) });
  await updateRepository(store.db, { id: repository.id, tokenEncrypted });
  const runToken = await signToken(new TextEncoder().encode(worker.context.config.runTokenKey), { issuer: 'x', ttlSec: 60, claims: {} });
  const run = await worker.aRunning({ repository });
  prints(run, `CODEXK8S_RUN_TOKEN=${runToken}`, `key ${modelKey}`, Buffer.from(`x:${repositoryToken}`).toString('base64'), 'kept');

  await keepPodLog({ ...worker.context, config: { ...worker.context.config, modelApiKey: modelKey } }, run);

  const text = JSON.stringify(await logOf(run));
  expect([runToken, modelKey, repositoryToken].filter((secret) => text.includes(secret))).toEqual([]);
  expect(text).not.toContain(Buffer.from(repositoryToken).toString('base64').slice(0, 20));
  expect(text).toContain('[REDACTED]');
  expect(text).toContain('kept');
});

test('of a flood the last 64 KiB are kept, and what no database takes is replaced', async () => {
  const run = await worker.aRunning();
  prints(run, ...Array.from({ length: 199 }, (_, n) => `${n} ${'x'.repeat(1_000)}`), 'a\0b');

  await keepPodLog(worker.context, run);

  const [first, ...lines] = await logOf(run);
  const bytes = lines.reduce((sum, [, , text]) => sum + Buffer.byteLength(String(text)), 0);
  expect(first).toEqual([1, 'cluster', note(1)]);
  expect(lines.at(-1)).toEqual([1, 'cluster', 'a\uFFFDb']);
  expect(String(lines.at(-2)?.[2])).toMatch(/^198 x/);
  expect(bytes).toBeGreaterThan(60 * 1024);
  expect(bytes).toBeLessThanOrEqual(64 * 1024);
});

test('one line that is longer than everything keeps its end', async () => {
  const run = await worker.aRunning();
  prints(run, `${'x'.repeat(100_000)}the end`);

  await keepPodLog(worker.context, run);

  const [, line] = await logOf(run);
  expect(String(line?.[2])).toMatch(/the end$/);
  expect(String(line?.[2])).toHaveLength(64 * 1024);
});

test('a run that was cancelled, and one that failed before its log began, keep it too', async () => {
  const [cancelled, failed, over] = [
    await worker.aRunning({ issueNumber: 1 }),
    await worker.aClaimed({ outcome: 'failed', failure_code: 'run.disk_full', failure_message: 'full' }, { issueNumber: 2 }),
    await worker.aRunning({ issueNumber: 3 }),
  ];
  for (const run of [cancelled, over]) await moveRun(store.db, 'cancel', { id: run.id, actor: { type: 'human', id: 'ann' } });
  worker.runtime.alive.push({ runId: cancelled.id, attempt: 1 });
  for (const run of [cancelled, failed, over]) prints(run, 'mute');
  const hurried = { ...worker.context, config: { ...worker.context.config, workspaceKeepSec: 0 } };

  await worker.pass(sweepProcesses);
  await worker.pass(finishRuns);
  await cleanWorkspaces(hurried).reconcile(AbortSignal.timeout(30_000));

  for (const run of [cancelled, failed, over]) expect((await logOf(run)).map(([, , text]) => text)).toEqual([note(1), 'mute']);
  expect(worker.runtime.cleaned.toSorted()).toEqual([cancelled.id, failed.id, over.id].toSorted());
});

test('a cluster that does not give the log keeps nobody waiting', async () => {
  const [refused, silent] = [
    await worker.aRunning({ issueNumber: 1, policy: { max_attempts: 3 } }),
    await worker.aRunning({ issueNumber: 2, policy: { max_attempts: 3 } }),
  ];
  worker.runtime.printed.set(`${refused.id}/1`, new Error('the worker may not'));
  const { readTail } = worker.runtime;
  worker.runtime.readTail = (one, wanted) => (one.runId === silent.id ? new Promise(() => undefined) : readTail(one, wanted));

  await worker.pass(watchRuns);

  for (const run of [refused, silent]) {
    expect(await worker.run(run)).toMatchObject({ status: 'running', attempt: 2 });
    expect(await logOf(run)).toEqual([]);
  }
});
