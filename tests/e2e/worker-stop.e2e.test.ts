import { afterAll, beforeAll, expect, test } from 'vitest';
import { processesOfRun } from './processes-of-run.ts';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';
import { trialFolder, until } from './trial-platform.ts';

const fence = '```';
const stack = new AsyncDisposableStack();
let platform: SeparateServices;

beforeAll(async () => {
  const folder = stack.adopt(trialFolder(), ({ remove }) => remove());
  platform = stack.use(await startSeparateServices({ dataDir: folder.path, workers: 1 }));
});
afterAll(() => stack.disposeAsync());

test('a worker that is interrupted twice leaves no agent behind, and the next one goes on with the session', async () => {
  const issue = await platform.api.createIssue('Slow', `${fence}sleep 5\n${fence}\n\n${fence}file path=late.txt\nlate\n${fence}\n`);
  await platform.api.label(issue, 'run:dev');
  const run = await until('the agent to work', async () => {
    const [found] = await platform.api.runs();
    const isAtWork = found && (await platform.api.events(found.id)).some(({ event_type }) => event_type === 'run.agent.session.saved');
    return isAtWork && found;
  });
  const before = processesOfRun(run.id).length;

  const worker = platform.services.find(({ name }) => name.startsWith('worker'));
  const exitCode = await worker?.interruptTwice();

  expect({ before: before >= 2, after: processesOfRun(run.id), exitCode }).toEqual({ before: true, after: [], exitCode: 0 });
  platform.startWorker();
  const details = await until('the delivery', async () => {
    const found = await platform.api.run(run.id);
    return ['waiting_owner_review', 'failed'].includes(found.run.status) && found;
  });
  expect(details).toMatchObject({ run: { status: 'waiting_owner_review', attempt: 2 }, session: { last_resume: 'resumed' } });
});
