import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushBranch, startTestServer, type TestServer } from '../test-support.ts';

let github: TestServer;

beforeAll(async () => {
  github = await startTestServer();
});

afterAll(() => github[Symbol.asyncDispose]());

test('git asks for credentials, and hides what they do not open', async () => {
  const service = '/ada/demo.git/info/refs?service=git-upload-pack';
  const anonymous = await fetch(github.server.url + service);
  const wrong = await fetch(github.server.url + service, { headers: { authorization: `Basic ${btoa('x:wrong')}` } });
  const stranger = await fetch(`${github.server.url}/ada/none.git/info/refs?service=git-upload-pack`, {
    headers: { authorization: `Basic ${btoa('x:token-bob')}` },
  });

  expect([anonymous.status, wrong.status, stranger.status]).toEqual([401, 401, 404]);
  expect(anonymous.headers.get('www-authenticate')).toContain('Basic');
});

test('a reader clones and may not push', async () => {
  const clone = 'git clone -q "$REMOTE" . && cat README.md && git commit -q --allow-empty -m x && ! git push 2>&1';

  expect(await github.shell(clone, 'eve')).toMatch(/# Demo[\s\S]*403/);
});

test('a shallow clone, a large push and a pull request ref work', async () => {
  const big = `git clone -q --depth 1 "$REMOTE" . && git checkout -qb big && head -c 3000000 /dev/urandom > big.bin &&
    git add . && git commit -qm big && git push -q origin big`;
  await github.shell(big, 'bob');
  const { body } = await github.api('POST', '/pulls', { title: 'Big', head: 'big', base: 'main' });
  const fetched = await github.shell(
    `git init -q . && git fetch -q "$REMOTE" pull/${body.number}/head && git log -1 --format=%s FETCH_HEAD`,
  );

  expect(body).toMatchObject({ commits: 1, changed_files: 1 });
  expect(fetched.trim()).toBe('big');
});

test('a protected branch refuses force, deletion and direct pushes in words', async () => {
  const reviews = { required_approving_review_count: 1 };
  const rules = { required_status_checks: null, enforce_admins: false, required_pull_request_reviews: reviews, restrictions: null };
  await github.api('PUT', '/branches/main/protection', rules);
  const clone = 'git clone -q "$REMOTE" . && git commit -q --allow-empty -m x';

  const direct = await github.shell(`${clone} && ! git push origin main 2>&1`, 'bob');
  const forced = await github.shell(
    `${clone} && git reset -q --hard HEAD~1 && git commit -q --amend --allow-empty -m z && ! git push -f origin main 2>&1`,
  );
  const deleted = await github.shell(`${clone} && ! git push origin :main 2>&1`);

  expect(direct).toContain('GH006: Protected branch update failed for refs/heads/main.');
  expect(direct).toContain('Changes must be made through a pull request.');
  expect(forced).toContain('Cannot force-push to a protected branch');
  expect(deleted).toMatch(/Cannot delete a protected branch|refusing to delete the current branch/);
  await github.shell(`${clone} && git push -q origin main`); // an admin, and the rules do not bind admins
});

test('the base branch asks for approval before a merge', async () => {
  await pushBranch(github, 'feat/approve');
  const { body: pull } = await github.api('POST', '/pulls', { title: 'A', head: 'feat/approve', base: 'main' }, { login: 'codex-bot' });
  const merge = () => github.api('PUT', `/pulls/${pull.number}/merge`, {}, { login: 'bob' });
  expect(await merge()).toMatchObject({ status: 405, body: { message: expect.stringContaining('approving review') } });

  await github.api('POST', `/pulls/${pull.number}/reviews`, { event: 'APPROVE' }, { login: 'bob' });

  expect(await merge()).toMatchObject({ status: 200, body: { merged: true } });
  await github.api('DELETE', '/branches/main/protection');
});

test('a push of the head to the base closes the pull request as merged', async () => {
  await pushBranch(github, 'feat/manual');
  const { body: pull } = await github.api('POST', '/pulls', { title: 'M', head: 'feat/manual', base: 'main' });
  await github.shell('git clone -q "$REMOTE" . && git merge -q --no-edit origin/feat/manual && git push -q origin main');

  expect((await github.api('GET', `/pulls/${pull.number}`)).body).toMatchObject({ state: 'closed', merged: true, additions: 2 });
});

test('a conflicting pull request is not mergeable', async () => {
  const change = (text: string, branch: string) =>
    `git clone -q "$REMOTE" . && git checkout -qB ${branch} && echo ${text} > src/a.txt && git commit -qam ${text} && git push -q origin ${branch}`;
  await github.shell(change('theirs', 'feat/conflict'));
  const { body: pull } = await github.api('POST', '/pulls', { title: 'C', head: 'feat/conflict', base: 'main' });
  await github.shell(change('ours', 'main'));

  expect((await github.api('GET', `/pulls/${pull.number}`)).body).toMatchObject({ mergeable: false, mergeable_state: 'dirty' });
  expect((await github.api('PUT', `/pulls/${pull.number}/merge`, {})).status).toBe(405);
});
