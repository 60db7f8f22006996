import sodium from 'libsodium-wrappers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushBranch, startReceiver } from '../../services/dev/github-server/src/test-support.ts';
import { startConformance, type Conformance } from './conformance.ts';

let github: Conformance;
let call: Conformance['call'];

beforeAll(async () => {
  github = await startConformance();
  call = (...args) => github.call(...args);
});

afterAll(() => github[Symbol.asyncDispose]());

/** Calls, then tells what differed from GitHub's description. */
async function differences(act: () => Promise<void>): Promise<readonly string[]> {
  const before = github.problems.length;
  await act();
  return github.problems.slice(before);
}

test('users and repositories answer as GitHub describes', async () => {
  const found = await differences(async () => {
    await call('GET', '^/user', { status: 200 });
    await call('GET', '^/user', { status: 401, login: '' });
    await call('GET', '^/user', { status: 401, headers: { authorization: 'Bearer wrong' }, login: '' });
    await call('GET', '^/user/emails', { status: 200 });
    await call('GET', '^/user/repos', { status: 200 });
    await call('GET', '^/users/bob', { status: 200 });
    await call('GET', '^/users/nobody', { status: 404 });
    await call('GET', '^/users/bob/repos', { status: 200 });
    await call('POST', '^/user/repos', { status: 201, body: { name: 'fresh', auto_init: true, description: 'New' } });
    await call('POST', '^/user/repos', { status: 422, body: { name: 'fresh' } });
    await call('GET', '', { status: 200 });
    await call('GET', '', { status: 404, login: '' });
    await call('GET', '^/repos/ada/fresh', { status: 200, login: '' });
    await call('PATCH', '', { status: 200, body: { description: 'Changed' } });
    await call('PATCH', '', { status: 403, login: 'bob', body: { description: 'Changed' } });
    await call('GET', '/collaborators', { status: 200 });
    await call('GET', '/collaborators/bob', { status: 204 });
    await call('GET', '/collaborators/nobody', { status: 404 });
    await call('GET', '/collaborators/bob/permission', { status: 200 });
  });

  expect(found).toEqual([]);
});

test('labels, issues, comments and reactions answer as GitHub describes', async () => {
  const found = await differences(async () => {
    await call('GET', '/labels', { status: 200 });
    await call('POST', '/labels', { status: 201, body: { name: 'bug', color: 'ff0000', description: 'Broken' } });
    await call('POST', '/labels', { status: 422, body: { name: 'bug', color: 'ff0000' } });
    await call('GET', '/labels/bug', { status: 200 });
    await call('GET', '/labels/nope', { status: 404 });
    await call('PATCH', '/labels/bug', { status: 200, body: { new_name: 'defect' } });
    await call('POST', '/issues', { status: 201, body: { title: 'Second', body: 'b', labels: ['defect'], assignees: ['bob'] } });
    await call('POST', '/issues', { status: 422, body: { body: 'no title' } });
    await call('GET', '/issues?state=all&per_page=1', { status: 200 });
    await call('GET', '/issues/2', { status: 200 });
    await call('GET', '/issues/99', { status: 404 });
    await call('PATCH', '/issues/2', { status: 200, body: { state: 'closed', state_reason: 'completed' } });
    await call('GET', '/issues/2/labels', { status: 200 });
    await call('POST', '/issues/2/labels', { status: 200, body: { labels: ['run:dev'] } });
    await call('PUT', '/issues/2/labels', { status: 200, body: { labels: ['defect', 'run:dev'] } });
    await call('DELETE', '/issues/2/labels/defect', { status: 200 });
    await call('DELETE', '/issues/2/labels/defect', { status: 404 });
    await call('DELETE', '/issues/2/labels', { status: 204 });
    await call('DELETE', '/labels/defect', { status: 204 });
    const { id } = await call('POST', '/issues/2/comments', { status: 201, body: { body: 'hello' } });
    await call('POST', '/issues/2/comments', { status: 422, body: {} });
    await call('GET', '/issues/2/comments', { status: 200 });
    await call('GET', `/issues/comments/${id}`, { status: 200 });
    await call('GET', '/issues/comments/999', { status: 404 });
    await call('PATCH', `/issues/comments/${id}`, { status: 200, body: { body: 'edited' } });
    const onIssue = await call('POST', '/issues/2/reactions', { status: 201, body: { content: 'eyes' } });
    await call('POST', '/issues/2/reactions', { status: 200, body: { content: 'eyes' } });
    await call('GET', '/issues/2/reactions', { status: 200 });
    await call('DELETE', `/issues/2/reactions/${onIssue.id}`, { status: 204 });
    const onComment = await call('POST', `/issues/comments/${id}/reactions`, { status: 201, body: { content: '+1' } });
    await call('GET', `/issues/comments/${id}/reactions`, { status: 200 });
    await call('DELETE', `/issues/comments/${id}/reactions/${onComment.id}`, { status: 204 });
    await call('GET', '/issues/2/events', { status: 200 });
    await call('GET', '/issues/2/timeline', { status: 200 });
    await call('DELETE', `/issues/comments/${id}`, { status: 204 });
  });

  expect(found).toEqual([]);
});

test('branches, commits, contents and refs answer as GitHub describes', async () => {
  const found = await differences(async () => {
    await call('GET', '/branches', { status: 200 });
    await call('GET', '/branches/main', { status: 200 });
    await call('GET', '/branches/none', { status: 404 });
    await call('GET', '/branches/main/protection', { status: 404 });
    const reviews = { required_approving_review_count: 1 };
    const checks = { strict: true, contexts: ['ci'] };
    const rules = {
      required_status_checks: checks,
      enforce_admins: true,
      required_pull_request_reviews: reviews,
      restrictions: { users: ['bob'], teams: [] },
    };
    await call('PUT', '/branches/main/protection', { status: 200, body: rules });
    await call('PUT', '/branches/main/protection', { status: 422, body: {} });
    await call('GET', '/branches/main/protection', { status: 200 });
    await call('GET', '/branches/main', { status: 200 });
    await call('DELETE', '/branches/main/protection', { status: 204 });
    await call('GET', '/commits', { status: 200 });
    const head = (await call('GET', '/commits/main', { status: 200 })).sha;
    await call('GET', '/commits/none', { status: 422 });
    const content = Buffer.from('hello\n').toString('base64');
    const written = await call('PUT', '/contents/docs/a.md', { status: 201, body: { message: 'Add a', content } });
    const { sha } = written.content;
    await call('PUT', '/contents/docs/a.md', { status: 409, body: { message: 'Stale', content, sha: '0'.repeat(40) } });
    await call('PUT', '/contents/docs/a.md', { status: 200, body: { message: 'Same', content: 'aGk=', sha } });
    await call('GET', '/contents/docs/a.md', { status: 200 });
    await call('GET', '/contents/docs', { status: 200 });
    await call('GET', '/contents/none.md', { status: 404 });
    const now = (await call('GET', '/contents/docs/a.md', { status: 200 })).sha;
    await call('DELETE', '/contents/docs/a.md', { status: 200, body: { message: 'Remove a', sha: now } });
    await call('GET', `/compare/${head}...main`, { status: 200 });
    await call('GET', '/compare/none...main', { status: 404 });
    await call('GET', '/git/ref/heads/main', { status: 200 });
    await call('GET', '/git/ref/heads/none', { status: 404 });
    await call('GET', '/git/matching-refs/heads/ma', { status: 200 });
    await call('POST', '/git/refs', { status: 201, body: { ref: 'refs/heads/extra', sha: head } });
    await call('POST', '/git/refs', { status: 422, body: { ref: 'refs/heads/extra', sha: head } });
    const main = (await call('GET', '/git/ref/heads/main', { status: 200 })).object.sha;
    await call('PATCH', '/git/refs/heads/extra', { status: 200, body: { sha: main } });
    await call('PATCH', '/git/refs/heads/extra', { status: 422, body: { sha: head } });
    await call('DELETE', '/git/refs/heads/extra', { status: 204 });
    await call('DELETE', '/git/refs/heads/extra', { status: 422 });
  });

  expect(found).toEqual([]);
});

test('pull requests and reviews answer as GitHub describes', async () => {
  await pushBranch(github.test, 'feat/one');
  const login = 'codex-bot';
  const found = await differences(async () => {
    const draft = { title: 'One', head: 'feat/one', base: 'main', body: 'text' };
    const { number } = await call('POST', '/pulls', { status: 201, body: draft, login });
    await call('POST', '/pulls', { status: 422, body: draft, login });
    await call('POST', '/pulls', { status: 422, body: { ...draft, head: 'none' }, login });
    const pull = `/pulls/${number}`;
    await call('GET', '/pulls', { status: 200 });
    await call('GET', pull, { status: 200 });
    await call('GET', '/pulls/1', { status: 404 });
    await call('GET', pull, { status: 200, headers: { accept: 'application/vnd.github.diff' } });
    await call('PATCH', pull, { status: 200, body: { title: 'Uno' } });
    await call('GET', `${pull}/files`, { status: 200 });
    await call('GET', `${pull}/commits`, { status: 200 });
    await call('GET', `${pull}/requested_reviewers`, { status: 200 });
    await call('POST', `${pull}/requested_reviewers`, { status: 201, body: { reviewers: ['bob'] } });
    await call('POST', `${pull}/requested_reviewers`, { status: 422, body: { reviewers: ['nobody'] } });
    await call('DELETE', `${pull}/requested_reviewers`, { status: 200, body: { reviewers: ['bob'] } });
    const comments = [{ path: 'feat-one.txt', line: 1, side: 'RIGHT', body: 'hm' }];
    const review = await call('POST', `${pull}/reviews`, { status: 200, body: { event: 'REQUEST_CHANGES', body: 'no', comments } });
    await call('POST', `${pull}/reviews`, { status: 422, body: { event: 'APPROVE' }, login });
    await call('GET', `${pull}/reviews`, { status: 200 });
    await call('GET', `${pull}/reviews/${review.id}`, { status: 200 });
    await call('GET', `${pull}/reviews/999`, { status: 404 });
    await call('GET', `${pull}/reviews/${review.id}/comments`, { status: 200 });
    const pending = await call('POST', `${pull}/reviews`, { status: 200, body: { body: 'later' }, login: 'bob' });
    await call('POST', `${pull}/reviews/${pending.id}/events`, { status: 200, body: { event: 'COMMENT', body: 'now' }, login: 'bob' });
    await call('PUT', `${pull}/reviews/${review.id}/dismissals`, { status: 200, body: { message: 'settled' } });
    const sha = (await call('GET', pull, { status: 200 })).head.sha;
    const place = { commit_id: sha, path: 'feat-one.txt', line: 2, side: 'RIGHT' };
    const comment = await call('POST', `${pull}/comments`, { status: 201, body: { ...place, body: 'line' } });
    await call('POST', `${pull}/comments`, { status: 422, body: { ...place, line: 99, body: 'line' } });
    await call('GET', `${pull}/comments`, { status: 200 });
    await call('POST', `${pull}/comments/${comment.id}/replies`, { status: 201, body: { body: 'reply' } });
    await call('GET', `/pulls/comments/${comment.id}`, { status: 200 });
    await call('GET', '/pulls/comments/999', { status: 404 });
    await call('GET', `${pull}/merge`, { status: 404 });
    await call('PUT', `${pull}/merge`, { status: 409, body: { sha: '0'.repeat(40) } });
    await call('PUT', `${pull}/merge`, { status: 200, body: { merge_method: 'squash' } });
    await call('PUT', `${pull}/merge`, { status: 405, body: {} });
    await call('GET', `${pull}/merge`, { status: 204 });
  });

  expect(found).toEqual([]);
});

test('statuses, check runs and webhooks answer as GitHub describes', async () => {
  await using receiver = await startReceiver();
  const found = await differences(async () => {
    const head = (await call('GET', '/git/ref/heads/main', { status: 200 })).object.sha;
    await call('POST', `/statuses/${head}`, { status: 201, body: { state: 'success', context: 'ci' } });
    await call('POST', `/statuses/${'0'.repeat(40)}`, { status: 422, body: { state: 'success' } });
    await call('GET', '/commits/main/status', { status: 200 });
    await call('GET', '/commits/main/statuses', { status: 200 });
    const run = await call('POST', '/check-runs', { status: 201, body: { name: 'lint', head_sha: head } });
    await call('PATCH', `/check-runs/${run.id}`, { status: 200, body: { conclusion: 'success', status: 'completed' } });
    await call('GET', `/check-runs/${run.id}`, { status: 200 });
    await call('GET', '/check-runs/999', { status: 404 });
    await call('GET', '/commits/main/check-runs', { status: 200 });
    const config = { url: receiver.url, content_type: 'json', secret: 'secret' };
    const hook = await call('POST', '/hooks', { status: 201, body: { config, events: ['issues'] } });
    await call('POST', '/hooks', { status: 422, body: { config } });
    await call('GET', '/hooks', { status: 200 });
    await call('GET', '/hooks', { status: 403, login: 'bob' });
    await call('GET', `/hooks/${hook.id}`, { status: 200 });
    await call('GET', '/hooks/999', { status: 404 });
    await call('PATCH', `/hooks/${hook.id}`, { status: 200, body: { events: ['issues', 'push'] } });
    await call('POST', `/hooks/${hook.id}/pings`, { status: 204 });
    await github.test.server.deliveries.idle();
    const [delivery] = await call('GET', `/hooks/${hook.id}/deliveries`, { status: 200 });
    await call('GET', `/hooks/${hook.id}/deliveries/${delivery.id}`, { status: 200 });
    await call('POST', `/hooks/${hook.id}/deliveries/${delivery.id}/attempts`, { status: 202 });
    await github.test.server.deliveries.idle();
    await call('GET', `/hooks/${hook.id}`, { status: 200 });
    await call('DELETE', `/hooks/${hook.id}`, { status: 204 });
  });

  expect(found).toEqual([]);
});

test('environments, variables and secrets answer as GitHub describes', async () => {
  await sodium.ready;
  const found = await differences(async () => {
    await call('PUT', '/environments/production', { status: 200, body: {} });
    await call('GET', '/environments', { status: 200 });
    await call('GET', '/environments/production', { status: 200 });
    await call('GET', '/environments/none', { status: 404 });
    for (const [variables, secrets] of [
      ['/actions/variables', '/actions/secrets'],
      ['/environments/production/variables', '/environments/production/secrets'],
    ] as const) {
      await call('POST', variables, { status: 201, body: { name: 'PLACE', value: 'here' } });
      await call('GET', variables, { status: 200 });
      await call('GET', `${variables}/PLACE`, { status: 200 });
      await call('GET', `${variables}/NONE`, { status: 404 });
      await call('PATCH', `${variables}/PLACE`, { status: 204, body: { value: 'there' } });
      await call('DELETE', `${variables}/PLACE`, { status: 204 });
      const { key, key_id } = await call('GET', `${secrets}/public-key`, { status: 200 });
      const sealed = sodium.crypto_box_seal('hidden', new Uint8Array(Buffer.from(key, 'base64')));
      const body = { encrypted_value: Buffer.from(sealed).toString('base64'), key_id };
      await call('PUT', `${secrets}/TOKEN`, { status: 201, body });
      await call('PUT', `${secrets}/TOKEN`, { status: 204, body });
      await call('GET', secrets, { status: 200 });
      await call('GET', `${secrets}/TOKEN`, { status: 200 });
      await call('GET', `${secrets}/NONE`, { status: 404 });
      await call('DELETE', `${secrets}/TOKEN`, { status: 204 });
    }
    await call('DELETE', '/environments/production', { status: 204 });
  });

  expect(found).toEqual([]);
});

test('every route served is one of GitHub, and every one was called with success', () => {
  expect(github.notAtGithub()).toEqual([]);
  expect(github.notExercised()).toEqual([]);
});
