import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { signToken } from '@codex-k8s/http';
import { changeRun, getRun, getSession, listRunEvents, moveRun, type Run } from '@codex-k8s/store';
import { aRun } from '@codex-k8s/testkit';
import { afterAll, expect, test } from 'vitest';
import { startTestControlPlane } from '../testing/control-plane.ts';

const plane = await startTestControlPlane();
afterAll(() => plane[Symbol.asyncDispose]());
const { db } = plane.context.store;
const bound = await plane.aBoundRepository('admin');
const address = await plane.app.listen({ port: 0, host: '127.0.0.1' });

async function started(runKind: 'work' | 'review' = 'work'): Promise<Run> {
  const run = await aRun(plane.context.store, { repository: bound.repository, runKind });
  await changeRun(db, { id: run.id, set: { attempt: 1, timeoutAt: new Date(Date.now() + 60_000) } });
  const moved = await moveRun(db, 'start', { id: run.id, actor: { type: 'system', id: 'test' } });
  if (!moved) throw new Error('not started');
  return moved;
}

function url({ id }: Run, path: string): string {
  return `/internal/v1/runs/${id}/${path}`;
}

async function mcp(run: Run): Promise<Client> {
  const token = await signToken(new TextEncoder().encode(plane.context.config.runTokenKey), {
    issuer: 'codex-k8s/control-plane/mcp',
    ttlSec: 60,
    claims: { run_id: run.id, attempt: run.attempt, scope: 'codexk8s:mcp' },
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${address}/mcp`), { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
  );
  return client;
}

function textOf(result: { content?: unknown }): Record<string, unknown> {
  const [first] = result.content as { text: string }[]; // our tools answer with one text
  return JSON.parse(first?.text ?? '{}') as Record<string, unknown>;
}

test('a work order holds the pinned prompt with the issue fenced as data', async () => {
  const run = await started();

  const [first, second] = [await plane.asRun(run, { url: url(run, 'spec') }), await plane.asRun(run, { url: url(run, 'spec') })];

  expect(first.statusCode).toBe(200);
  expect(first.json()).toMatchObject({ attempt: 1, kind: 'work', target_branch: run.branch, git: { token: 'token' } });
  expect(first.json().prompt).toMatch(/^Task: work\nIssue: #\d+\n[\s\S]*<untrusted-1 kind="issue">\n# A task\n/);
  expect(second.json().prompt).toBe(first.json().prompt);
});

test('a token of an older attempt, of another run, or none gets nothing', async () => {
  const [run, other] = [await started(), await started()];
  await changeRun(db, { id: run.id, set: { attempt: 2 } });

  expect((await plane.asRun({ id: run.id, attempt: 1 }, { url: url(run, 'spec') })).json().code).toBe('run.attempt_superseded');
  expect((await plane.asRun(other, { url: url(run, 'spec') })).json().code).toBe('auth.forbidden');
  expect((await plane.app.inject({ url: url(run, 'spec') })).statusCode).toBe(401);
  expect((await plane.asRun({ id: run.id, attempt: 1 }, { method: 'POST', url: url(run, 'heartbeat') })).json()).toEqual({
    status: 'running',
    continue: false,
  });
});

test('an attempt that works hears when to say again that it lives', async () => {
  const run = await started();

  const beat = await plane.asRun(run, { method: 'POST', url: url(run, 'heartbeat') });

  expect(beat.json()).toEqual({ status: 'running', continue: true, next_in_seconds: 5 });
});

test('the end of an attempt is stored once, and does not make the run succeed', async () => {
  const run = await started();
  const finish = (payload: object) => plane.asRun(run, { method: 'POST', url: url(run, 'result'), payload });

  const answers = [
    await finish({ outcome: 'delivered', head_sha: 'a'.repeat(40) }),
    await finish({ outcome: 'failed', failure_code: 'run.agent_failed' }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([204, 204]);
  expect(await getRun(db, run.id)).toMatchObject({ status: 'running', attemptResult: { outcome: 'delivered' } });
});

test('logs, events and the session of an attempt are stored; an unknown event type is refused', async () => {
  const run = await started();
  const lines = [{ stream: 'agent', text: 'hello', at: '2026-11-21T10:00:00Z' }];
  const log = await plane.asRun(run, { method: 'POST', url: url(run, 'logs'), payload: { seq: 1, lines } });
  const event = await plane.asRun(run, {
    method: 'POST',
    url: url(run, 'events'),
    payload: { event_type: 'run.agent.started', key: 'started', payload: {} },
  });
  const unknown = await plane.asRun(run, {
    method: 'POST',
    url: url(run, 'events'),
    payload: { event_type: 'run.succeeded', key: 'x', payload: {} },
  });
  const session = await plane.asRun(run, {
    method: 'PUT',
    url: url(run, 'session'),
    payload: { program: 'trial', turns: 1, session_id: 's1', snapshot: '{}', usage: { model: 'm', input_tokens: 5, output_tokens: 2 } },
  });

  expect([log.json(), event.statusCode, unknown.statusCode, session.statusCode]).toEqual([{ accepted: true }, 204, 400, 204]);
  expect(await getSession(db, run.id)).toMatchObject({ sessionId: 's1', turns: 1, snapshot: '{}' });
  const restored = (await plane.asRun(run, { url: url(run, 'spec') })).json();
  expect(restored.session).toEqual({ run_id: run.id, turns: 1, session_id: 's1', snapshot: '{}' });
});

test('a report that breaks the schema is refused with every problem named, and a correct one is stored', async () => {
  const run = await started();
  const client = await mcp(run);

  const refused = await client.callTool({ name: 'submit_result', arguments: { pr_title: '', extra: 1 } });
  const accepted = await client.callTool({ name: 'submit_result', arguments: { summary: 'Done.' } });

  expect(refused.isError).toBe(true);
  expect(textOf(refused)).toMatchObject({ code: 'run.report_invalid', message: expect.stringMatching(/summary.*extra|extra.*summary/s) });
  expect(textOf(accepted)).toMatchObject({ status: 'ok' });
  expect((await getRun(db, run.id))?.report).toEqual({ summary: 'Done.' });
  const calls = (await listRunEvents(db, { runId: run.id, after: 0, limit: 50 }))
    .map(({ eventType }) => eventType)
    .filter((type) => type.startsWith('mcp.'));
  expect(calls).toEqual(['mcp.tool.called', 'mcp.tool.failed', 'mcp.tool.called', 'mcp.tool.succeeded']);
});

test('a reviewer sees its own tools and schema', async () => {
  const { tools } = await (await mcp(await started('review'))).listTools();

  expect(tools.map(({ name }) => name).toSorted()).toEqual(['github_labels_list', 'run_status_report', 'submit_result']);
  expect(tools.find(({ name }) => name === 'submit_result')?.inputSchema).toMatchObject({ required: ['summary', 'verdict', 'findings'] });
});

test('a question stops the clock until the owner answers, and asking again is the same question', async () => {
  const run = await started();
  const client = await mcp(run);
  const ask = () => client.callTool({ name: 'owner_feedback_request', arguments: { question: 'Which?', options: ['a', 'b'] } });

  const [first, second] = [textOf(await ask()), textOf(await ask())];
  const waiting = await getRun(db, run.id);
  const [request] = (await plane.as(bound.member, { url: `/api/v1/staff/approvals?run_id=${run.id}` })).json().items;
  const decide = (answer: string) =>
    plane.as(bound.member, {
      method: 'POST',
      url: `/api/v1/staff/approvals/${request.id}/decision`,
      payload: { decision: 'approved', digest: request.digest, answer },
    });
  const custom = await decide('c');
  await decide('b');

  expect([first['status'], second]).toEqual(['approval_required', first]);
  expect(waiting).toMatchObject({ status: 'waiting_mcp', timeoutAt: null });
  expect([custom.statusCode, custom.json().field]).toEqual([422, 'body.answer']);
  expect(textOf(await ask())).toMatchObject({ status: 'ok', answer: 'b' });
  expect(await getRun(db, run.id)).toMatchObject({ status: 'running', waitReason: null });
});
