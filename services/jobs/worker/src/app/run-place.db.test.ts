import { clusterControls, type ControlFinding } from '@codex-k8s/domain';
import { listRunEvents, moveRun, namespaceOfRun, saveClusterControls, type Project, type Run } from '@codex-k8s/store';
import { aRun, emptyStore, openTestStore } from '@codex-k8s/testkit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { startPendingRuns } from '../reconcilers/start-pending-runs.ts';
import { testWorker, type TestWorker } from '../testing/worker.ts';

const store = await openTestStore();
afterAll(() => store[Symbol.asyncDispose]());
let worker: TestWorker;
beforeEach(async () => {
  await emptyStore(store);
  worker = testWorker(store, { runtime: 'kubernetes' });
});

const fullEnv = { runtime_mode: 'full-env', max_parallel_runs: 5 };
const allHold = clusterControls.map((control): ControlFinding => ({ control, state: 'holds', evidence: 'It was tried.' }));

function allBut(control: ControlFinding['control'], state: ControlFinding['state']): ControlFinding[] {
  return allHold.map((finding) => (finding.control === control ? { control, state, evidence: 'A pod got through.' } : finding));
}

async function pending({
  policy = fullEnv,
  settings,
  agentKey = 'dev',
}: { policy?: object; settings?: Project['settings']; agentKey?: string } = {}) {
  return aRun(store, { repository: await worker.aBoundRepository(settings), issueNumber: 7, policy, agentKey });
}

async function start(run: Run): Promise<Run> {
  await worker.pass(startPendingRuns);
  return worker.run(run);
}

test('a full-env run gets a namespace of its own, with the rights of its role', async () => {
  await saveClusterControls(store.db, allHold);
  const run = await pending({ agentKey: 'reviewer' });

  expect((await start(run)).status).toBe('running');

  const [launched] = worker.runtime.launched;
  const made = worker.runtime.inCluster.get(`ns-${run.id}`);
  expect(launched?.namespace).toBe(`ns-${run.id}`);
  expect(made?.spec).toMatchObject({ profile: 'review', projectId: run.projectId, runId: run.id });
  expect(await namespaceOfRun(store.db, run.id)).toMatchObject({ name: `ns-${run.id}`, uid: made?.uid });
  const events = await listRunEvents(store.db, { runId: run.id, after: 0, limit: 100 });
  expect(events.find(({ eventType }) => eventType === 'run.namespace.prepared')?.payload).toMatchObject({
    profile: 'review',
    reused: false,
  });
});

test('a revise run goes on in the namespace of the run before', async () => {
  await saveClusterControls(store.db, allHold);
  const first = await pending();
  await start(first);
  await moveRun(store.db, 'awaitOwner', { id: first.id, actor: { type: 'system', id: 'test' } });
  const repository = { id: first.repositoryId ?? '', projectId: first.projectId } as Parameters<typeof aRun>[1]['repository'];
  const second = await aRun(store, { repository, issueNumber: 7, runKind: 'revise', policy: fullEnv });

  await start(second);

  expect(worker.runtime.launched.map(({ namespace }) => namespace)).toEqual([`ns-${first.id}`, `ns-${first.id}`]);
  expect(worker.runtime.inCluster.size).toBe(1);
});

test('a code-only run gets none and needs no control', async () => {
  const run = await pending({ policy: { runtime_mode: 'code-only' } });

  expect((await start(run)).status).toBe('running');

  expect(worker.runtime.launched).toMatchObject([{ runId: run.id, namespace: undefined }]);
  expect(worker.runtime.inCluster.size).toBe(0);
});

test.each(['absent', 'unproven'] as const)('a full-env run is refused while the admission policy is %s', async (state) => {
  await saveClusterControls(store.db, allBut('admission_policy', state));
  const run = await pending();

  const refused = await start(run);

  expect(refused).toMatchObject({ status: 'failed', failureCode: 'run.control_not_proven' });
  expect(refused.failureMessage).toBe(`admission_policy: ${state}. A pod got through.`);
  expect([worker.runtime.launched, worker.runtime.inCluster.size]).toEqual([[], 0]);
});

test('a control that the project requires refuses code-only runs too', async () => {
  await saveClusterControls(store.db, allBut('network_policy', 'absent'));
  const settings: Project['settings'] = { required_controls: ['network_policy', 'quota'] };
  const run = await pending({ policy: { runtime_mode: 'code-only' }, settings });

  expect(await start(run)).toMatchObject({ status: 'failed', failureCode: 'run.control_not_proven' });
});

test('before anybody has looked a run waits, says so once, and then starts', async () => {
  const run = await pending();

  const waiting = await start(run);
  await store.db
    .updateTable('core.agentRuns')
    .set({ retryAt: new Date(0) })
    .where('id', '=', run.id)
    .execute();
  await start(run);
  const said = (await worker.events(run)).filter((type) => type === 'run.postponed');
  await saveClusterControls(store.db, allHold);
  await store.db
    .updateTable('core.agentRuns')
    .set({ retryAt: new Date(0) })
    .where('id', '=', run.id)
    .execute();

  expect(waiting).toMatchObject({ status: 'pending', pendingReason: 'retry_later' });
  expect(said).toHaveLength(1);
  expect((await start(run)).status).toBe('running');
});

test('on plain processes a required control is refused, since nothing there can be proven', async () => {
  worker = testWorker(store);
  const run = await pending({ settings: { required_controls: ['network_policy'] } });

  expect(await start(run)).toMatchObject({ status: 'failed', failureCode: 'run.control_not_proven' });
});
