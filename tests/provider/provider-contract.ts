import { randomUUID } from 'node:crypto';
import { isAppError, type RepositoryProvider, type RepositoryRef } from '@codex-k8s/domain';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGithubProvider } from '../../libs/github/src/index.ts';

/** A code host to try the provider on; the token may write to the repository, which keeps what the test leaves behind. */
export interface ContractTarget {
  readonly baseUrl: string;
  readonly token: string;
  readonly repository: RepositoryRef;
}

/** What every caller relies on, wherever the repository lives. */
export function describeProviderContract(name: string, target: () => ContractTarget): void {
  describe(`repository provider on ${name}`, () => {
    let provider: RepositoryProvider;
    let ref: RepositoryRef;
    const mark = randomUUID().slice(0, 8);
    const branch = `contract/${mark}`;
    const state = { issue: 0, pull: 0, sha: '', base: '' };

    const send = (method: string, path: string, body: object): Promise<{ number: number; commit: { sha: string } }> =>
      sendTo(target(), method, path, body);

    beforeAll(async () => {
      const { baseUrl, token, repository } = target();
      ref = repository;
      provider = createGithubProvider({ baseUrl, token });
      state.base = (await provider.validateRepository(ref)).defaultBranch;
      const from = await provider.getBranchSha(ref, state.base);
      await send('POST', '/git/refs', { ref: `refs/heads/${branch}`, sha: from });
      const content = Buffer.from('one\ntwo\nthree\n').toString('base64');
      const written = await send('PUT', `/contents/contract/${mark}.txt`, { message: `Add ${mark}`, content, branch });
      state.sha = written.commit.sha;
      state.issue = (await send('POST', '/issues', { title: `Contract ${mark}` })).number;
    });

    test('a repository is known by its own id, and a wrong name is not found', async () => {
      const info = await provider.validateRepository(ref);

      expect(info).toMatchObject({ owner: ref.owner, name: ref.name, fullName: `${ref.owner}/${ref.name}` });
      expect(info.externalId).toBeGreaterThan(0);
      await expect(provider.validateRepository({ owner: ref.owner, name: `no-${mark}` })).rejects.toSatisfy((error) =>
        isAppError(error, 'github.not_found'),
      );
    });

    test('a wrong token is unauthorized and is not in the error', async () => {
      const secret = `wrong-${mark}`;
      const error: unknown = await createGithubProvider({ baseUrl: target().baseUrl, token: secret })
        .validateRepository(ref)
        .catch((reason: unknown) => reason);

      expect(isAppError(error, 'github.unauthorized')).toBe(true);
      expect(JSON.stringify(error) + String(error)).not.toContain(secret);
    });

    test('an issue is read with its labels, and an unknown number is undefined', async () => {
      await provider.ensureLabels(ref, [{ name: `c:${mark}`, color: 'ededed', description: 'contract test' }]);
      await provider.ensureLabels(ref, [{ name: `C:${mark}`, color: '000000', description: 'must not replace' }]);
      await provider.addLabels(ref, state.issue, [`c:${mark}`]);
      await provider.addLabels(ref, state.issue, []);

      const issue = await provider.getIssue(ref, state.issue);

      expect(issue).toMatchObject({ number: state.issue, title: `Contract ${mark}`, body: '', state: 'open', labels: [`c:${mark}`] });
      expect(issue?.isPullRequest).toBe(false);
      expect(await provider.getIssue(ref, 99_999_999)).toBeUndefined();
      expect((await provider.listIssues(ref, { state: 'open' })).map(({ number }) => number)).toContain(state.issue);
    });

    test('removing a label twice is fine, on an unknown issue it is not', async () => {
      await provider.removeLabel(ref, state.issue, `c:${mark}`);
      await provider.removeLabel(ref, state.issue, `c:${mark}`);

      expect((await provider.getIssue(ref, state.issue))?.labels).toEqual([]);
      await expect(provider.removeLabel(ref, 99_999_999, 'x')).rejects.toSatisfy((error) => isAppError(error, 'github.not_found'));
    });

    test('a comment is found by its marker, edited, and missing ones are undefined', async () => {
      await provider.createComment(ref, state.issue, 'first');
      const created = await provider.createComment(ref, state.issue, `<!-- ${mark} -->\nworking`);
      const edited = await provider.updateComment(ref, created.id, `<!-- ${mark} -->\ndone`);

      expect(edited?.body).toContain('done');
      expect(await provider.findComment(ref, state.issue, mark)).toEqual(edited);
      expect(await provider.findComment(ref, state.issue, `no ${mark}`)).toBeUndefined();
      expect((await provider.listComments(ref, state.issue)).map(({ body }) => body)).toEqual(['first', edited?.body]);
      expect(await provider.updateComment(ref, 999_999_999, 'x')).toBeUndefined();
    });

    test('a reaction may be added again', async () => {
      await provider.addReaction(ref, state.issue, 'eyes');
      await provider.addReaction(ref, state.issue, 'eyes');
    });

    test('branches, files and comparisons tell what was pushed', async () => {
      expect(await provider.getBranchSha(ref, branch)).toBe(state.sha);
      expect(await provider.getBranchSha(ref, `no/${mark}`)).toBeUndefined();
      expect(await provider.getFile(ref, `contract/${mark}.txt`, branch)).toBe('one\ntwo\nthree\n');
      expect(await provider.getFile(ref, `contract/${mark}.txt`, state.base)).toBeUndefined();
      expect(await provider.getFile(ref, 'contract', branch)).toBeUndefined();
      expect(await provider.compare(ref, state.base, branch)).toMatchObject({
        aheadBy: 1,
        files: [{ path: `contract/${mark}.txt`, status: 'added', additions: 3, deletions: 0 }],
      });
    });

    test('a pull request is opened once, found by its branch, and shows its diff', async () => {
      const draft = { title: `Contract ${mark}`, body: 'text', headBranch: branch, baseBranch: state.base };
      expect(await provider.findOpenPullRequest(ref, branch)).toBeUndefined();
      const pull = await provider.createPullRequest(ref, draft);
      state.pull = pull.number;

      expect(pull).toMatchObject({ state: 'open', merged: false, headBranch: branch, headSha: state.sha, baseBranch: state.base });
      expect(await provider.findOpenPullRequest(ref, branch)).toEqual(pull);
      expect(await provider.getPullRequest(ref, pull.number)).toEqual(pull);
      expect(await provider.getPullRequest(ref, 99_999_999)).toBeUndefined();
      expect((await provider.getIssue(ref, pull.number))?.isPullRequest).toBe(true);
      expect(await provider.getPullRequestDiff(ref, pull.number)).toContain('+two\n');
      await expect(provider.createPullRequest(ref, draft)).rejects.toSatisfy((error) => isAppError(error, 'github.rejected'));
    });

    test('a review comments on lines of the diff', async () => {
      const comments = [{ path: `contract/${mark}.txt`, line: 2, body: 'why two?' }];
      const review = await provider.createReview(ref, state.pull, { body: 'Looked.', commitSha: state.sha, comments });

      expect(review).toMatchObject({ state: 'commented', body: 'Looked.', commitSha: state.sha });
      expect(await provider.listReviews(ref, state.pull)).toEqual([review]);
      expect(await provider.listReviewComments(ref, state.pull)).toMatchObject([
        { path: `contract/${mark}.txt`, line: 2, body: 'why two?' },
      ]);
    });

    test('a webhook is set up once and can be taken away twice', async () => {
      const spec = { url: `https://example.com/${mark}`, secret: 'first', events: ['issues'] };
      const first = await provider.ensureWebhook(ref, spec);
      const second = await provider.ensureWebhook(ref, { ...spec, secret: 'second', events: ['issues', 'push'] });

      expect(first.created).toBe(true);
      expect(second).toEqual({ hookId: first.hookId, created: false });
      expect(await provider.listHookDeliveries(ref, first.hookId, new Date(Date.now() + 3_600_000))).toEqual([]);
      await provider.deleteWebhook(ref, spec.url);
      await provider.deleteWebhook(ref, spec.url);
    });
  });
}

async function sendTo<T>({ baseUrl, token, repository }: ContractTarget, method: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${baseUrl}/repos/${repository.owner}/${repository.name}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T; // the fields the caller names are GitHub's
}
