/**
 * What goes wrong, told through the whole platform: the run's status and code, the comment on the issue with the remedy, the timeline, and
 * that nothing is stuck, doubled or left running. What only the runner sees is in tests/agents-local, what only a reconciler sees beside it.
 */
import type { Run } from '@codex-k8s/contracts/staff';
import { errorCodes } from '@codex-k8s/domain';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startFailurePlatform, tokenOf } from './failure-platform.ts';
import { peakMb, processesOfRun } from './processes-of-run.ts';
import { agentOf, atWork, block, eventTypes, expectEnd, file, findRun, labelled, over, runOf } from './run-outcomes.ts';
import type { SeparateServices } from './separate-services.ts';
import type { TrialApi } from './trial-api.ts';
import { trialFolder, until } from './trial-platform.ts';

vi.setConfig({ maxConcurrency: 8 });

const stack = new AsyncDisposableStack();
let platform: SeparateServices;
let api: TrialApi;
let people: TrialApi;
const overdue = { hang: 0, ask: 0 };

beforeAll(async () => {
  const folder = stack.adopt(trialFolder(), ({ remove }) => remove());
  platform = stack.use(await startFailurePlatform(folder.path));
  ({ api } = platform);
  people = await platform.bind('people', 'bot-token-after-it');
  await startOverdueRuns();
});
afterAll(() => stack.disposeAsync());

/** Two runs with little time, since a run keeps the policy it began with: one never ends, one waits for longer than its time. */
async function startOverdueRuns(): Promise<void> {
  await sql`update core.agent_policies set run_timeout_sec = 20`.execute(platform.store.db);
  overdue.hang = await labelled(api, block('sh', 'setsid sleep 1000 & sleep 1000 &') + block('hang'));
  overdue.ask = await labelled(api, block('ask Which colour?', 'options: red | green') + file('colour.txt'));
  for (const issue of Object.values(overdue)) await until('the run', () => findRun(api, issue));
  await sql`update core.agent_policies set run_timeout_sec = 600`.execute(platform.store.db);
}

async function delivered(body = file('a.txt')): Promise<{ issue: number; run: Run; pull: string }> {
  const issue = await labelled(api, body);
  const run = await runOf(api, issue);
  expect([run.status, run.failure_code]).toEqual(['waiting_owner_review', undefined]);
  return { issue, run, pull: `/repos/demo-owner/hello/pulls/${run.pr_number}` };
}

/** The question whether the branch is there is answered with this `times` times; Octokit itself asks three times where that may help. */
function failBranchCheck(
  issue: number,
  fault: { status: number; headers?: Record<string, string>; message?: string; times?: number },
): void {
  platform.github.faults.failNext({ match: new RegExp(`GET .*/git/ref/.*issue-${issue}$`), ...fault });
}

test.concurrent.for([
  ['a bot', 'robot', 'sender_type_bot_not_permitted', 'set by a bot'],
  ['somebody unknown', 'stranger', 'sender_not_allowed', 'no user of the platform'],
  ['a user who is no member', 'outsider', 'sender_not_project_member', 'no member of the project'],
  ['a member who may only read', 'reader', 'sender_role_not_permitted', 'may only read'],
] as const)('a label by %s is recorded, refused and explained', async ([, login, reason, words]) => {
  const on = people;
  const issue = await on.createIssue(`Labelled by ${login}`, file('a.txt'));
  const answer = await fetch(`${platform.github.apiUrl}/repos/${on.repository}/issues/${issue}/labels`, {
    method: 'POST',
    headers: { authorization: `token ${tokenOf(login)}` },
    body: JSON.stringify({ labels: ['run:dev'] }),
  });
  expect(answer.status).toBe(200);

  const comment = await until('the explanation', async () => (await on.comments(issue)).find((text) => text.includes('codex-k8s:refusal')));

  expect(comment).toContain(words);
  const { rows } = await sql<{ result: string; reason: string }>`
    select result, reason from core.webhook_deliveries
    where repository_full_name = ${on.repository} and issue_number = ${issue} and action = 'labeled'`.execute(platform.store.db);
  expect(rows).toEqual([{ result: 'ignored', reason }]);
  expect(await findRun(on, issue)).toBeUndefined();
});

test.concurrent('two trigger labels start nothing and are explained', async () => {
  const issue = await api.createIssue('Two labels', file('a.txt'));
  await api.github('POST', `/repos/demo-owner/hello/issues/${issue}/labels`, { labels: ['run:dev', 'run:qa'] });

  const comment = await until('the explanation', async () => (await api.comments(issue)).find((text) => text.includes('several trigger')));

  expect(comment).toMatch(/`run:dev`, `run:qa`/);
  await until('both deliveries to be answered', async () => {
    const { rows } =
      await sql`select 1 from core.webhook_deliveries where issue_number = ${issue} and not needs_answer and reason is not null`.execute(
        platform.store.db,
      );
    return rows.length >= 2;
  });
  expect(await api.comments(issue)).toHaveLength(1);
  expect(await findRun(api, issue)).toBeUndefined();
});

test.concurrent.for([
  ['gives up', block('fail', 'Too hard.'), 'run.report_missing'],
  ['ends without a report', block('fail no-report'), 'run.report_missing'],
  ['hands in a broken report', file('a.txt') + block('fail invalid-report', 'x'), 'run.report_invalid'],
  ['makes no commit', block('sh', 'true'), 'run.nothing_delivered'],
  ['is refused by its model', block('fail model 401'), 'run.model_unauthorized'],
  ['never gets its agent to live', block('fail crash'), 'run.agent_crashed'],
] as const)('an agent that %s ends the run with its code and remedy', async ([, body, code]) => {
  await expectEnd(api, await labelled(api, body), { code });
});

test.concurrent('an agent that never ends is ended by the platform, with all it started', async () => {
  const run = await expectEnd(api, overdue.hang, { code: 'run.timed_out', status: 'timed_out' });

  const lasted = Date.parse(run.finished_at ?? '') - Date.parse(run.started_at ?? '');
  expect(lasted).toBeGreaterThan(19_000);
  expect(lasted).toBeLessThan(30_000);
});

test.concurrent('a run that waits for a person does not lose its time to it (NFR-012)', async () => {
  const waiting = await runOf(api, overdue.ask, { statuses: ['waiting_mcp'] });
  await until('more than its whole time', async () => Date.now() - Date.parse(waiting.started_at ?? '') > 22_000);
  expect((await runOf(api, overdue.ask, { statuses: atWork })).status).toBe('waiting_mcp');
  const [request] = (await api.approvals()).filter(({ run_id }) => run_id === waiting.id);
  if (!request) throw new Error('nothing was asked');

  await api.decide(request, { decision: 'approved', answer: 'green' });

  expect((await runOf(api, overdue.ask)).status).toBe('waiting_owner_review');
});

test.concurrent('closing the issue cancels the run and ends its processes', async () => {
  const issue = await labelled(api, block('sleep 60'));
  await agentOf(api, issue);

  await api.github('PATCH', `/repos/demo-owner/hello/issues/${issue}`, { state: 'closed' });

  await expectEnd(api, issue, { code: 'run.issue_closed', status: 'cancelled' });
});

test.concurrent('closing the issue while the agent asks leaves no question behind', async () => {
  const issue = await labelled(api, block('ask Which?', 'options: a | b'));
  const run = await runOf(api, issue, { statuses: ['waiting_mcp'] });

  await api.github('PATCH', `/repos/demo-owner/hello/issues/${issue}`, { state: 'closed' });

  await expectEnd(api, issue, { code: 'run.issue_closed', status: 'cancelled' });
  await until('the inbox to be empty', async () => !(await api.approvals()).some(({ run_id }) => run_id === run.id));
});

test.concurrent('a repository that disappears fails the run that works on it', async () => {
  const on = await platform.bind('gone', 'bot-token-of-gone');
  const issue = await labelled(on, file('a.txt') + block('sleep 2'));
  const { id } = await agentOf(on, issue);

  platform.github.faults.failNext({ match: '/demo-owner/gone', status: 404, message: 'Not Found', times: Number.POSITIVE_INFINITY });

  const run = await until('the run to fail', async () => (await api.run(id)).run.finished_at !== undefined && (await api.run(id)));
  expect(run.failure).toMatchObject({ code: 'github.not_found', remedy: errorCodes['github.not_found'].remedy });
  expect(processesOfRun(id)).toEqual([]);
});

test.concurrent('a revoked token fails the run, and the comment comes with the next token', async () => {
  const on = await platform.bind('revoked', 'bot-token-to-revoke');
  const issue = await labelled(on, file('a.txt') + block('sleep 2'));
  const run = await agentOf(on, issue);

  platform.github.revokeToken('bot-token-to-revoke');
  await until('the run to fail', async () => (await api.run(run.id)).run.status === 'failed');
  expect((await on.comments(issue)).filter((text) => text.includes('github.unauthorized'))).toEqual([]);
  await platform.bind('revoked', 'bot-token-after-it');

  await expectEnd(on, issue, { code: 'github.unauthorized' });
});

test.concurrent('a rate limit postpones the run for the time GitHub names, says so, and costs nothing else', async () => {
  const issue = await labelled(api, file('a.txt') + block('sleep 2'));
  const reset = Math.ceil(Date.now() / 1000) + 15;
  failBranchCheck(issue, {
    status: 403,
    message: 'API rate limit exceeded',
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) },
  });

  const run = await runOf(api, issue);

  expect(run.status).toBe('waiting_owner_review');
  const postponed = (await api.events(run.id)).filter(({ event_type }) => event_type === 'run.postponed');
  expect(postponed).toMatchObject([{ payload: { code: 'github.rate_limited', message: expect.stringMatching(/asks to wait \d+ s/) } }]);
  expect(Date.parse(String(postponed[0]?.payload['retry_at'])) / 1000).toBeGreaterThanOrEqual(reset - 1);
});

test.concurrent('a host that fails for a while postpones the run, which then ends as if nothing had been', async () => {
  const issue = await labelled(api, file('a.txt') + block('sleep 1'));
  failBranchCheck(issue, { status: 502, times: 3 });

  const run = await runOf(api, issue);

  expect(run.status).toBe('waiting_owner_review');
  expect((await eventTypes(api, run)).filter((type) => type === 'run.postponed')).toHaveLength(1);
});

test.concurrent('a push that the host refuses is told apart', async () => {
  const issue = await labelled(api, file('p.txt') + block('sleep 3'));
  await agentOf(api, issue);
  const branch = `codex/issue-${issue}`;
  const { object } = await api.github<{ object: { sha: string } }>('GET', '/repos/demo-owner/hello/git/ref/heads/main');
  await api.github('POST', '/repos/demo-owner/hello/git/refs', { ref: `refs/heads/${branch}`, sha: object.sha });
  await api.github('PUT', `/repos/demo-owner/hello/branches/${encodeURIComponent(branch)}/protection`, {
    required_status_checks: null,
    enforce_admins: true,
    required_pull_request_reviews: { required_approving_review_count: 1 },
    restrictions: null,
  });

  await expectEnd(api, issue, { code: 'github.push_rejected' });
});

test.concurrent.for([
  [
    'somebody else pushed',
    async (branch: string) => {
      const content = Buffer.from('theirs').toString('base64');
      await api.github('PUT', '/repos/demo-owner/hello/contents/theirs.txt', { message: 'Theirs', content, branch });
    },
  ],
  [
    'somebody deleted',
    async (branch: string) => {
      await fetch(`${platform.github.apiUrl}/repos/demo-owner/hello/git/refs/heads/${branch}`, {
        method: 'DELETE',
        headers: { authorization: 'token bot-token-after-it' },
      });
    },
  ],
] as const)('a branch to which %s before it was verified is not passed off as the delivery', async ([, meddle]) => {
  const issue = await labelled(api, file('a.txt') + block('sleep 1'));
  failBranchCheck(issue, { status: 502, times: 3 });
  const run = await runOf(api, issue, { statuses: atWork });
  await until('the delay', async () => (await eventTypes(api, run)).includes('run.postponed'));

  await meddle(`codex/issue-${issue}`);

  await expectEnd(api, issue, { code: 'run.delivery_unconfirmed' });
});

test.concurrent('a pull request that a person closes ends the run that waits for its review', async () => {
  const { issue, run, pull } = await delivered();

  await api.github('PATCH', pull, { state: 'closed' });

  await until('the run to fail', async () => (await api.run(run.id)).run.status === 'failed');
  await expectEnd(api, issue, { code: 'run.pull_request_closed' });
  expect((await api.approvals()).filter(({ run_id }) => run_id === run.id)).toEqual([]);
});

test.concurrent('a deleted branch closes its pull request, and that ends the run', async () => {
  const { issue, run } = await delivered();

  const url = `${platform.github.apiUrl}/repos/demo-owner/hello/git/refs/heads/codex/issue-${issue}`;
  expect((await fetch(url, { method: 'DELETE', headers: { authorization: 'token bot-token-after-it' } })).status).toBe(204);

  await until('the run to fail', async () => (await api.run(run.id)).run.status === 'failed');
  await expectEnd(api, issue, { code: 'run.pull_request_closed' });
});

test.concurrent('a pull request that a person merges is the approval', async () => {
  const { run, pull } = await delivered(file('merged.txt'));

  await api.github('PUT', `${pull}/merge`, {});

  await until('the run to succeed', async () => (await api.run(run.id)).run.status === 'succeeded');
  expect((await eventTypes(api, run)).filter((type) => type === 'run.succeeded')).toHaveLength(1);
});

test.concurrent.for([
  ['closes', 'failed', async (pull: string) => api.github('PATCH', pull, { state: 'closed' })],
  ['merges', 'cancelled', async (pull: string) => api.github('PUT', `${pull}/merge`, {})],
] as const)('a person who %s the pull request ends the rework of it', async ([, status, act]) => {
  const { issue, run, pull } = await delivered();
  const [request] = (await api.approvals()).filter(({ run_id }) => run_id === run.id);
  if (!request) throw new Error('nothing waits for the owner');
  await api.decide(request, { decision: 'denied', reason: block('sleep 60') });
  await agentOf(api, issue, 'dev_revise');

  await act(pull);

  await expectEnd(api, issue, { code: 'run.pull_request_closed', status, kind: 'dev_revise', commentOn: run.pr_number ?? 0 });
});

test.concurrent('commits of a failed run do not pass for the delivery of the next', async () => {
  const issue = await api.createIssue('Two runs', file('a.txt') + block('fail no-report'));
  await api.label(issue, 'run:dev');
  await expectEnd(api, issue, { code: 'run.report_missing' });
  const { object } = await api.github<{ object: { sha: string } }>('GET', '/repos/demo-owner/hello/git/ref/heads/main');
  const branch = `codex/issue-${issue}`;
  await api.github('POST', '/repos/demo-owner/hello/git/refs', { ref: `refs/heads/${branch}`, sha: object.sha });
  const content = Buffer.from('of an earlier run').toString('base64');
  await api.github('PUT', '/repos/demo-owner/hello/contents/earlier.txt', { message: 'Earlier', content, branch });
  await api.github('PATCH', `/repos/demo-owner/hello/issues/${issue}`, { body: block('sh', 'git log -1') });

  await api.label(issue, 'run:dev');

  const second = await until('the second run', async () => {
    const run = await findRun(api, issue);
    return run && over.includes(run.status) && run.failure_code === 'run.nothing_delivered' && run;
  });
  expect(second.failure_message).toMatch(/of an earlier run/);
  expect(second.pr_number).toBeUndefined();
});

test.concurrent('100 MB of output cost neither the run nor the memory of the services, and the log says what is missing', async () => {
  const issue = await labelled(api, `[print 100 MB]\n\n${file('a.txt')}`);

  const run = await runOf(api, issue);

  expect(run.status).toBe('waiting_owner_review');
  const startedAt = performance.now();
  const [first, last] = [await api.log(run.id, '?after=0&limit=200'), await api.log(run.id)];
  const readMs = Math.round(performance.now() - startedAt);
  expect(first.items[0]?.text).toMatch(/Workspace cloned/);
  expect(last.items.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/The log of this run is full: \d{8} bytes were left out/),
  );
  const memory = Object.fromEntries(platform.services.map(({ name, pid }) => [name, peakMb(pid)]));
  console.log(`100 MB of output: peak memory in MB ${JSON.stringify(memory)}, two pages of the log in ${readMs} ms`);
  for (const [name, mb] of Object.entries(memory)) expect([name, mb < 512]).toEqual([name, true]);
  expect(readMs).toBeLessThan(5_000);
});

test('a restart of the database in the middle of runs delays them and changes nothing else', async () => {
  const slow = file('one.txt') + block('sleep 3') + file('two.txt');
  const issues = [await labelled(api, slow), await labelled(api, slow)];
  for (const issue of issues) await agentOf(api, issue);
  const processes = (): unknown[] => platform.services.map(({ pid }) => pid);
  const before = processes();

  platform.restartDatabase();
  const late = await labelled(api, file('late.txt'));

  for (const issue of [...issues, late]) {
    const run = await runOf(api, issue);
    expect([run.status, run.failure_code]).toEqual(['waiting_owner_review', undefined]);
    const events = await eventTypes(api, run);
    for (const once of ['run.started', 'run.pr.created', 'run.delivery.verified', 'approval.requested']) {
      expect([once, events.filter((type) => type === once).length]).toEqual([once, 1]);
    }
  }
  expect(
    (await api.runs()).filter(({ issue_number, agent_key }) => agent_key === 'dev' && [...issues, late].includes(issue_number ?? 0)),
  ).toHaveLength(3);
  expect(processes()).toEqual(before); // nobody died of it
});

test('in the end no slot is taken and nothing is unpublished that could be', async () => {
  await until('every slot to be free', async () => {
    const { rows } = await sql`
      select 1 from core.slots s join core.agent_runs r on r.id = s.run_id where s.state <> 'free' and r.finished_at is not null`.execute(
      platform.store.db,
    );
    return rows.length === 0;
  });
  await until('every comment', async () => {
    const { rows } = await sql`
      select 1 from core.agent_runs where repository_full_name <> 'demo-owner/gone'
        and published_state is distinct from (status || ':' || attempt || ':' || coalesce(pr_number, 0))`.execute(platform.store.db);
    return rows.length === 0;
  });
});
