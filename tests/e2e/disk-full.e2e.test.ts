import { afterAll, beforeAll, expect, test } from 'vitest';
import { block, expectEnd, file, labelled, runOf } from './run-outcomes.ts';
import { trialApi } from './trial-api.ts';
import { canMount, startTrial, trialFolder, type Trial } from './trial-platform.ts';

const folder = trialFolder();
let trial: Trial;

beforeAll(async () => {
  if (canMount) trial = await startTrial({ dataDir: folder.path, diskMb: 160 });
});
afterAll(async () => {
  await trial?.stop();
  folder.remove();
});

test('an agent that fills the disk fails with a remedy, and the platform, whose database is there too, goes on', async ({ skip }) => {
  skip(!canMount, 'this machine does not let a user mount a small file system; tests/agents-local tells the story by a file size limit');
  const api = trialApi(trial);

  const full = await labelled(api, block('sh', 'head -c 2000000000 /dev/zero > rubbish; echo filled') + file('a.txt'));
  const run = await expectEnd(api, full, { code: 'run.disk_full' });
  const next = await runOf(api, await labelled(api, file('a.txt')));

  expect(run.failure_message).toMatch(/its working directory was removed/);
  expect([run.attempt, next.status]).toEqual([1, 'waiting_owner_review']);
});
