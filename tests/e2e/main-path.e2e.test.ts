import { afterAll, beforeAll, expect, test } from 'vitest';
import { trialApi, type TrialApi } from './trial-api.ts';
import { startTrial, trialFolder, until, type Trial } from './trial-platform.ts';

const folder = trialFolder();
let trial: Trial;
let api: TrialApi;

beforeAll(async () => {
  trial = await startTrial({ dataDir: folder.path });
  api = trialApi(trial);
});
afterAll(async () => {
  await trial.stop();
  folder.remove();
});

const fence = '```';

async function runOf(issue: number, kind: string, statuses: readonly string[]) {
  return until(`${kind} run of #${issue} to be ${statuses.join(' or ')}`, async () =>
    (await api.runs()).find((run) => run.issue_number === issue && run.trigger_kind === kind && statuses.includes(run.status)),
  );
}

test('a label becomes a reviewed pull request, a change request a revise, an approval the end', async () => {
  const content = `const text = "quotes ' and $HOME and \`ticks\` and ünïcode";\n`;
  const issue = await api.createIssue('Write it down', `${fence}file path=docs/exact.js\n${content}${fence}\n`);

  await api.label(issue, 'run:dev');
  const delivered = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);
  const review = await runOf(issue, 'review', ['succeeded', 'failed']);

  expect(delivered).toMatchObject({ status: 'waiting_owner_review', pr_number: expect.any(Number) });
  expect(review.status).toBe('succeeded');
  const details = await api.run(delivered.id);
  expect(details.verification).toMatchObject({ confirmed: true });
  expect(await api.fileAt(`codex/issue-${issue}`, 'docs/exact.js')).toBe(content);
  const pull = await api.github<{ state: string; head: { sha: string }; user: { login: string } }>(
    'GET',
    `/repos/demo-owner/hello/pulls/${delivered.pr_number}`,
  );
  expect(pull).toMatchObject({ state: 'open', head: { sha: details.head_sha }, user: { login: 'codex-bot' } });

  const [request] = (await api.approvals()).filter(({ run_id }) => run_id === delivered.id);
  if (!request) throw new Error('nothing waits for the owner');
  const reason = `Add one more.\n\n${fence}file path=docs/second.txt\nsecond\n${fence}\n`;
  expect((await api.decide(request, { decision: 'denied', reason })).status).toBe(200);
  const revised = await runOf(issue, 'dev_revise', ['waiting_owner_review', 'failed']);

  expect(revised).toMatchObject({ status: 'waiting_owner_review', pr_number: delivered.pr_number, parent_run_id: delivered.id });
  expect(await api.fileAt(`codex/issue-${issue}`, 'docs/second.txt')).toBe('second\n');
  const session = (await api.run(revised.id)).session;
  expect(session).toMatchObject({ last_resume: 'resumed', session_id: details.session?.session_id, turns: 2 });

  const [again] = (await api.approvals()).filter(({ run_id }) => run_id === revised.id);
  if (!again) throw new Error('nothing waits for the owner');
  await api.decide(again, { decision: 'approved' });
  expect(await runOf(issue, 'dev_revise', ['succeeded'])).toBeDefined();
  const labels = await until('the approved label', async () => {
    const names = (await api.github<{ name: string }[]>('GET', `/repos/demo-owner/hello/issues/${issue}/labels`)).map(({ name }) => name);
    return names.includes('state:approved') && names;
  });
  expect(labels).toEqual(['state:approved']);
});

test("the host's review decides like the console", async () => {
  const issue = await api.createIssue('Reviewed at the host', `${fence}file path=host.txt\nx\n${fence}\n`);
  await api.label(issue, 'run:dev');
  const run = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);

  await api.github('POST', `/repos/demo-owner/hello/pulls/${run.pr_number}/reviews`, { event: 'APPROVE' });

  expect(await runOf(issue, 'dev', ['succeeded'])).toMatchObject({ id: run.id });
  expect((await api.run(run.id)).next_step).toEqual({ label: 'run:qa', available: false });
});

test('a question waits for the owner and its answer reaches the agent', async () => {
  const issue = await api.createIssue(
    'Ask first',
    `${fence}ask Which colour?\noptions: red | green\n${fence}\n\n${fence}file path=colour.txt\nasked\n${fence}\n`,
  );
  await api.label(issue, 'run:dev');
  const waiting = await runOf(issue, 'dev', ['waiting_mcp', 'failed']);
  const [request] = (await api.approvals()).filter(({ run_id }) => run_id === waiting.id);
  if (!request) throw new Error('nothing was asked');

  await api.decide(request, { decision: 'approved', answer: 'green' });

  const done = await runOf(issue, 'dev', ['waiting_owner_review', 'failed']);
  expect([done.status, (await api.run(done.id)).report?.summary]).toEqual(['waiting_owner_review', expect.stringContaining('green')]);
});

test('a second label while a run is at work is refused, explained, and taken off', async () => {
  const issue = await api.createIssue('Twice', `${fence}sleep 6\n${fence}\n`);
  await api.label(issue, 'run:dev');
  const labelledAt = Math.floor(Date.now() / 1000);
  const first = await runOf(issue, 'dev', ['running']);
  // Within one second both deliveries have the same body, and the second one would count as a repetition of the first.
  await until('the next second', async () => Math.floor(Date.now() / 1000) > labelledAt + 1);
  await api.github('DELETE', `/repos/demo-owner/hello/issues/${issue}/labels/${encodeURIComponent('run:dev')}`);

  await api.label(issue, 'run:dev');

  const explained = await until('the explanation', async () =>
    (await api.github<{ body: string }[]>('GET', `/repos/demo-owner/hello/issues/${issue}/comments`)).find(({ body }) =>
      body.includes('refusal'),
    ),
  );
  expect(explained.body).toContain(first.id);
  expect((await api.runs()).filter(({ issue_number, agent_key }) => issue_number === issue && agent_key === 'dev')).toHaveLength(1);
});
