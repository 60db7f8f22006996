import { randomUUID } from 'node:crypto';
import { contractText } from '@codex-k8s/contracts';
import { projectRoles, roleIncludes, type ProjectRole } from '@codex-k8s/domain';
import { readContract, type Operation } from '@codex-k8s/http';
import { appendLog, moveRun, requestAction, upsertMember, type Run, type User } from '@codex-k8s/store';
import { aRun, aUser } from '@codex-k8s/testkit';
import type { InjectOptions } from 'fastify';
import { afterAll, describe, expect, test } from 'vitest';
import { startTestControlPlane } from '../testing/control-plane.ts';
import { gatewayOperations } from './staff.ts';

const plane = await startTestControlPlane();
afterAll(() => plane[Symbol.asyncDispose]());
const { db } = plane.context.store;
const contract = readContract(contractText('staff'));
const operations = contract.operations.filter(({ operationId }) => !(gatewayOperations as readonly string[]).includes(operationId));

const bound = await plane.aBoundRepository('admin');
const { projectId } = bound.repository;
const people = new Map<ProjectRole, User>();
for (const role of projectRoles) {
  const user = await aUser(plane.context.store);
  await upsertMember(db, { projectId, userId: user.id, role });
  people.set(role, user);
}
const stranger = await aUser(plane.context.store);
const admin = await aUser(plane.context.store, { isPlatformAdmin: true });
const run = await aRun(plane.context.store, { repository: bound.repository });
const approval = await review(run);

async function review(of: Run): Promise<{ id: number; digest: string }> {
  const { request } = await db.transaction().execute((tx) =>
    requestAction(tx, {
      correlationId: of.correlationId,
      runId: of.id,
      projectId,
      repositoryId: bound.repository.id,
      toolName: 'owner_review',
      action: 'accept_delivery',
      target: { pr_number: 12, head_sha: 'c0ffee' },
      requestedBy: { type: 'agent', id: 'dev' },
      expiresInSec: 600,
    }),
  );
  return request;
}

/** Bodies that pass the contract, so that the answer tells about rights and not about the body. */
const bodies: Readonly<Record<string, object>> = {
  createProject: { slug: 'a-slug', name: 'A name' },
  updateProject: { name: 'New name' },
  upsertMember: { email: 'nobody@example.com', role: 'read' },
  setMemberLearningMode: { enabled: true },
  addRepository: { provider: 'github', owner: 'acme', name: 'x', token: 't' },
  addIssueLabel: { label: 'run:dev' },
  createUser: { email: 'new@example.com' },
  decideApproval: { decision: 'approved', digest: 'a'.repeat(64) },
  updateClusterObject: { yaml: 'a: 1', resource_version: '1', dry_run: true },
  deleteClusterObject: { uid: 'a', dry_run: true },
};

function requestFor({ operationId, method, url }: Operation): InjectOptions {
  const ids: Record<string, string> = {
    project_id: projectId,
    run_id: run.id,
    approval_id: String(approval.id),
    repository_id: bound.repository.id,
    user_id: randomUUID(),
    issue_number: '1',
    kind: 'pods',
    namespace: 'shop',
    name: 'web',
  };
  const path = url.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? '');
  return { method, url: `${contract.basePath}${path}`, ...(bodies[operationId] && { payload: bodies[operationId] }) };
}

describe.each(operations.map((operation) => [operation.operationId, operation] as const))('%s', (_, operation) => {
  const role = operation.extensions['x-codexk8s-role'];

  test('answers 401 without a valid token', async () => {
    const missing = await plane.app.inject(requestFor(operation));
    const wrong = await plane.app.inject({ ...requestFor(operation), headers: { authorization: 'Bearer nonsense' } });

    expect([missing.statusCode, missing.json().code]).toEqual([401, 'auth.unauthorized']);
    expect(wrong.statusCode).toBe(401);
  });

  test('answers 403 to a smaller right and hides the project from strangers', async () => {
    if (role === 'any') return expect(operation.url).not.toMatch(/:(project|run|approval)_id/);
    if (role === 'platform_admin') {
      const answer = await plane.as(people.get('admin') ?? stranger, requestFor(operation));
      return expect([answer.statusCode, answer.json().code]).toEqual([403, 'auth.forbidden']);
    }
    const needed = role as ProjectRole; // the plugin refuses any other word
    for (const [held, user] of people) {
      if (roleIncludes(held, needed)) continue;
      const answer = await plane.as(user, requestFor(operation));
      expect([held, answer.statusCode, answer.json().code]).toEqual([held, 403, 'auth.forbidden']);
    }
    expect((await plane.as(stranger, requestFor(operation))).statusCode).toBe(404);
  });
});

const api = '/api/v1/staff';

test('a project is created once, listed with its role, changed and deleted', async () => {
  const body = { slug: `s-${randomUUID().slice(0, 8)}`, name: randomUUID() };
  const created = await plane.as(admin, { method: 'POST', url: `${api}/projects`, payload: body });
  const again = await plane.as(admin, { method: 'POST', url: `${api}/projects`, payload: body });
  const url = `${api}/projects/${created.json().id}`;
  const changed = await plane.as(admin, { method: 'PATCH', url, payload: { settings: { locale: 'ru', max_parallel_runs: 3 } } });

  expect(created.statusCode).toBe(201);
  expect([again.statusCode, again.json()]).toMatchObject([409, { code: 'project.slug_taken', field: 'body.slug' }]);
  expect(changed.json()).toMatchObject({ role: 'admin', settings: { locale: 'ru', max_parallel_runs: 3 } });
  expect((await plane.as(admin, { method: 'DELETE', url })).statusCode).toBe(204);
  expect((await plane.as(admin, { url })).statusCode).toBe(404);
});

test('without a cluster every page of it says so', async () => {
  const pages = operations.filter(({ operationId }) => /Cluster/.test(operationId));
  const answers = await Promise.all(pages.map((operation) => plane.as(admin, requestFor(operation))));

  expect(pages).toHaveLength(5);
  for (const answer of answers) expect([answer.statusCode, answer.json().code]).toEqual([409, 'kube.not_configured']);
});

test('bad input names the field', async () => {
  const answer = await plane.as(admin, { method: 'POST', url: `${api}/projects`, payload: { slug: 'Not A Slug', name: 'x' } });
  const unknown = await plane.as(admin, { method: 'POST', url: `${api}/projects`, payload: { slug: 'a', name: 'x', colour: 'red' } });
  const query = await plane.as(admin, { url: `${api}/runs?limit=0` });
  const cursor = await plane.as(admin, { url: `${api}/runs?cursor=nonsense` });
  const malformed = await plane.as(admin, {
    method: 'POST',
    url: `${api}/projects`,
    payload: '{"slug":',
    headers: { 'content-type': 'application/json' },
  });
  const media = await plane.as(admin, {
    method: 'POST',
    url: `${api}/projects`,
    payload: 'slug=a',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

  expect([answer.statusCode, answer.json().field]).toEqual([400, 'body.slug']);
  expect([unknown.statusCode, unknown.json().field]).toEqual([400, 'body.colour']);
  expect([query.statusCode, query.json().field]).toEqual([400, 'query.limit']);
  expect([cursor.statusCode, cursor.json().field]).toEqual([400, 'query.cursor']);
  expect([malformed.statusCode, malformed.json().code]).toEqual([400, 'request.malformed']);
  expect([media.statusCode, media.json().code]).toEqual([400, 'request.malformed']);
});

test('members are added by e-mail of a known user, changed and removed', async () => {
  const user = await aUser(plane.context.store);
  const members = `${api}/projects/${projectId}/members`;
  const added = await plane.as(bound.member, { method: 'POST', url: members, payload: { email: user.email, role: 'read' } });
  const unknown = await plane.as(bound.member, { method: 'POST', url: members, payload: { email: 'no@example.com', role: 'read' } });
  const learning = await plane.as(bound.member, { method: 'PUT', url: `${members}/${user.id}/learning-mode`, payload: { enabled: true } });
  const listed = await plane.as(bound.member, { url: members });

  expect(added.json()).toEqual({ user_id: user.id, email: user.email, role: 'read' });
  expect([unknown.statusCode, unknown.json().field]).toEqual([404, 'body.email']);
  expect(learning.statusCode).toBe(204);
  expect(listed.json().items).toContainEqual({ user_id: user.id, email: user.email, role: 'read', learning_mode_override: true });
  expect((await plane.as(bound.member, { method: 'DELETE', url: `${members}/${user.id}` })).statusCode).toBe(204);
});

test('a repository is bound with its token encrypted and never returned', async () => {
  const url = `${api}/projects/${projectId}/repositories`;
  const created = await plane.as(bound.member, {
    method: 'POST',
    url,
    payload: { provider: 'github', owner: 'acme', name: 'new', token: 'ghp_topsecret' },
  });
  const listed = await plane.as(bound.member, { url });

  expect(created.statusCode).toBe(201);
  expect(listed.body).not.toContain('topsecret');
  const stored = await db
    .selectFrom('core.repositories')
    .select('tokenEncrypted')
    .where('id', '=', created.json().id)
    .executeTakeFirstOrThrow();
  expect(stored.tokenEncrypted.includes('topsecret')).toBe(false);
  expect(plane.host.calls.map(({ name }) => name)).toEqual(expect.arrayContaining(['validateRepository', 'ensureLabels', 'ensureWebhook']));
  expect((await plane.as(bound.member, { method: 'DELETE', url: `${url}/${created.json().id}` })).statusCode).toBe(204);
});

test('labelling in the console applies the label and starts the run when the bot delivers it', async () => {
  const number = 4242;
  plane.host.issues = [
    { number, title: 'T', body: '', state: 'open', labels: [], author: 'ann', htmlUrl: 'https://host.example/1', isPullRequest: false },
  ];
  const issues = `${api}/projects/${projectId}/repositories/${bound.repository.id}/issues`;
  const listed = await plane.as(bound.member, { url: issues });
  const answer = await plane.as(bound.member, { method: 'POST', url: `${issues}/${number}/labels`, payload: { label: 'run:dev' } });
  const refused = await plane.as(bound.member, { method: 'POST', url: `${issues}/${number}/labels`, payload: { label: 'run:dev:revise' } });

  expect(listed.json().items[0].triggers).toEqual([
    { label: 'run:dev', allowed: true },
    { label: 'run:dev:revise', allowed: false, reason: 'pull_request_missing' },
  ]);
  expect(answer.statusCode).toBe(202);
  expect([refused.statusCode, refused.json().code]).toEqual([409, 'run.precondition_failed']);
  const { labeled } = await import('../testing/control-plane.ts');
  const delivered = await plane.deliver('issues', labeled({ ...bound, number, senderType: 'Bot', githubUserId: 999 }));
  expect(delivered.json()).toMatchObject({ status: 'accepted' });
});

test('a run shows its failure with cause and remedy, and can be started again', async () => {
  const failing = await aRun(plane.context.store, { repository: bound.repository });
  await moveRun(db, 'fail', {
    id: failing.id,
    actor: { type: 'system', id: 'test' },
    failure: { code: 'run.nothing_delivered', message: 'no commit' },
  });
  const url = `${api}/runs/${failing.id}`;

  const shown = (await plane.as(bound.member, { url })).json();
  const retried = await plane.as(bound.member, { method: 'POST', url: `${url}/retry` });

  expect(shown).toMatchObject({
    isolated: false,
    allowed_actions: ['retry'],
    failure: { code: 'run.nothing_delivered', message: 'no commit', remedy: expect.stringContaining('issue') },
  });
  expect([retried.statusCode, retried.json()]).toMatchObject([201, { status: 'pending', triggered_by: bound.member.email }]);
  expect((await plane.as(bound.member, { method: 'POST', url: `${url}/retry` })).statusCode).toBe(409);
});

test('jobs are what agents work on, waits what a person or a tool holds up, the longest first', async () => {
  const store = plane.context.store;
  const system = { type: 'system', id: 'test' } as const;
  const ids: string[] = [];
  for (const move of [undefined, 'awaitOwner', 'awaitTool'] as const) {
    const { id } = await aRun(store, { repository: bound.repository });
    await moveRun(db, 'start', { id, actor: system });
    if (move) await moveRun(db, move, { id, actor: system });
    ids.push(id);
  }
  const seen = async (path: string): Promise<string[]> => {
    const answer = await plane.as(bound.member, { url: `${api}/runs/${path}` });
    return answer
      .json<{ items: { id: string }[] }>()
      .items.map(({ id }) => id)
      .filter((id) => ids.includes(id));
  };

  expect(await seen('jobs')).toEqual([ids[0]]);
  expect(await seen('jobs?status=waiting_mcp&trigger_kind=dev')).toEqual([ids[2]]);
  expect(await seen('jobs?trigger_kind=qa')).toEqual([]);
  expect(await seen('waits')).toEqual([ids[1], ids[2]]);
  expect(await seen('waits?wait_state=mcp&agent_key=dev')).toEqual([ids[2]]);
});

test('a run is cancelled once', async () => {
  const url = `${api}/runs/${(await aRun(plane.context.store, { repository: bound.repository })).id}/cancel`;

  const answers = [
    await plane.as(bound.member, { method: 'POST', url, payload: { reason: 'not now' } }),
    await plane.as(bound.member, { method: 'POST', url }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 409]);
  expect(answers[0]?.json()).toMatchObject({ status: 'cancelled', failure_message: 'not now' });
});

test('logs come by tail and range, as a file, and as a stream that ends with the run', async () => {
  const of = await aRun(plane.context.store, { repository: bound.repository });
  const lines = ['one', 'two', 'three'].map((text) => ({ stream: 'agent', text, at: '2026-11-21T10:00:00Z' }));
  await appendLog(db, { runId: of.id, attempt: 1, seq: 1, lines, maxBytes: 1000 });
  await moveRun(db, 'cancel', { id: of.id, actor: { type: 'system', id: 'test' } });
  const url = `${api}/runs/${of.id}/logs`;

  const page = (await plane.as(bound.member, { url: `${url}?after=1&limit=1` })).json();
  const file = await plane.as(bound.member, { url: `${url}/download` });
  const stream = await plane.as(bound.member, { url: `${url}/stream`, headers: { 'last-event-id': '2' } });
  const events = await plane.as(bound.member, { url: `${api}/runs/${of.id}/stream` });

  expect(page).toMatchObject({ total: 3, items: [{ n: 2, text: 'two' }] });
  expect(file.body.split('\n')).toHaveLength(4);
  expect(stream.body).toContain('id: 3\nevent: log\n');
  expect(stream.body).not.toContain('"two"');
  expect(stream.body.trimEnd().endsWith('event: end\ndata: {}')).toBe(true);
  expect(events.body).toContain('"event_type":"run.canceled"');
});

test('an approval is for the action that was shown, as the host has it now, and is used once', async () => {
  const of = await aRun(plane.context.store, { repository: bound.repository });
  const actor = { type: 'system', id: 'test' } as const;
  await moveRun(db, 'start', { id: of.id, actor });
  await moveRun(db, 'awaitOwner', { id: of.id, actor, set: { prNumber: 12, headSha: 'c0ffee' } });
  const { id, digest } = await review(of);
  const decide = (payload: object) =>
    plane.as(bound.member, {
      method: 'POST',
      url: `${api}/approvals/${id}/decision`,
      payload: { decision: 'approved', digest, ...payload },
    });
  const pullRequest = {
    number: 12,
    title: 'T',
    state: 'open',
    merged: false,
    headBranch: 'b',
    headSha: 'c0ffee',
    baseBranch: 'main',
    author: 'bot',
    htmlUrl: '',
  } as const;

  const otherAction = await decide({ digest: 'f'.repeat(64) });
  plane.host.pullRequest = { ...pullRequest, headSha: 'newer' };
  const moved = await decide({});
  plane.host.pullRequest = pullRequest;
  const withoutReason = await decide({ decision: 'denied' });
  const [first, second] = [await decide({}), await decide({})];

  expect([otherAction.json().code, moved.json().code]).toEqual(['approval.stale', 'approval.stale']);
  expect([withoutReason.statusCode, withoutReason.json().field]).toEqual([422, 'body.reason']);
  expect([first.statusCode, first.json()]).toMatchObject([200, { state: 'applied', can_decide: false }]);
  expect([second.statusCode, second.json().code]).toEqual([409, 'approval.already_decided']);
  const shown = (await plane.as(bound.member, { url: `${api}/runs/${of.id}` })).json();
  expect(shown).toMatchObject({ run: { status: 'succeeded' }, next_step: { label: 'run:qa', available: false } });
});

test('users are allowed by e-mail, and nobody removes the owner or oneself', async () => {
  const email = `${randomUUID()}@example.com`;
  const add = () => plane.as(admin, { method: 'POST', url: `${api}/users`, payload: { email } });

  const [created, again] = [await add(), await add()];

  expect([created.statusCode, again.statusCode]).toEqual([201, 409]);
  expect((await plane.as(admin, { method: 'DELETE', url: `${api}/users/${admin.id}` })).json().code).toBe('user.protected');
  expect((await plane.as(admin, { method: 'DELETE', url: `${api}/users/${created.json().id}` })).statusCode).toBe(204);
  expect((await plane.as(admin, { url: `${api}/users` })).json().items).toContainEqual(expect.objectContaining({ email: admin.email }));
});

test('the platform says what does not hold', async () => {
  expect((await plane.as(stranger, { url: `${api}/platform` })).json()).toMatchObject({
    environment: 'local',
    runtime: 'local',
    isolated: false,
  });
  expect((await plane.as(stranger, { url: `${api}/agents` })).json().items).toHaveLength(8);
  expect((await plane.as(stranger, { url: `${api}/runs` })).json()).toEqual({ items: [] });
  expect((await plane.as(stranger, { url: `${api}/approvals` })).json()).toEqual({ items: [] });
});
