import type { RepositoryProvider } from '@codex-k8s/domain';
import { at, orUndefined, pageSize } from './at.ts';
import { translateErrors } from './errors.ts';
import { loginOf, toPullRequest, toReview } from './map-objects.ts';
import type { GithubOctokit } from './octokit.ts';

type Calls = Pick<
  RepositoryProvider,
  | 'findOpenPullRequest'
  | 'getPullRequest'
  | 'getPullRequestDiff'
  | 'createPullRequest'
  | 'createReview'
  | 'listReviews'
  | 'listReviewComments'
>;

export function pullRequestCalls(octokit: GithubOctokit): Calls {
  return { ...pullCalls(octokit), ...reviewCalls(octokit) };
}

function pullCalls(
  octokit: GithubOctokit,
): Pick<Calls, 'findOpenPullRequest' | 'getPullRequest' | 'getPullRequestDiff' | 'createPullRequest'> {
  return {
    findOpenPullRequest: (ref, headBranch) =>
      translateErrors(`look for a pull request of ${headBranch}`, async () => {
        const head = `${ref.owner}:${headBranch}`;
        const { data } = await octokit.rest.pulls.list({ ...at(ref), state: 'open', head, per_page: pageSize });
        // GitHub ignores a filter it cannot read and lists everything: look at what came.
        const found = data.find((pull) => pull.head.ref === headBranch);
        return found && toPullRequest(found);
      }),

    getPullRequest: (ref, number) =>
      translateErrors(`read pull request #${number}`, async () => {
        const answer = await orUndefined(() => octokit.rest.pulls.get({ ...at(ref), pull_number: number }));
        return answer && toPullRequest(answer.data);
      }),

    getPullRequestDiff: (ref, number) =>
      translateErrors(`read the diff of #${number}`, async () => {
        const { data } = await octokit.rest.pulls.get({ ...at(ref), pull_number: number, mediaType: { format: 'diff' } });
        const diff: unknown = data;
        return String(diff); // the diff media type answers text, which the generated types do not know
      }),

    createPullRequest: (ref, { title, body, headBranch, baseBranch }) =>
      translateErrors(`open a pull request for ${headBranch}`, async () => {
        const { data } = await octokit.rest.pulls.create({ ...at(ref), title, body, head: headBranch, base: baseBranch });
        return toPullRequest(data);
      }),
  };
}

function reviewCalls(octokit: GithubOctokit): Pick<Calls, 'createReview' | 'listReviews' | 'listReviewComments'> {
  return {
    createReview: (ref, number, { body, commitSha, comments }) =>
      translateErrors(`review #${number}`, async () => {
        const placed = comments.map((comment) => ({ ...comment, side: 'RIGHT' }));
        const review = { body, commit_id: commitSha, comments: placed, event: 'COMMENT' } as const;
        return toReview((await octokit.rest.pulls.createReview({ ...at(ref), pull_number: number, ...review })).data);
      }),

    listReviews: (ref, number) =>
      translateErrors(`read the reviews of #${number}`, async () => {
        const request = { ...at(ref), pull_number: number, per_page: pageSize };
        return (await octokit.paginate(octokit.rest.pulls.listReviews, request)).map(toReview);
      }),

    listReviewComments: (ref, number) =>
      translateErrors(`read the review comments of #${number}`, async () => {
        const request = { ...at(ref), pull_number: number, per_page: pageSize };
        const comments = await octokit.paginate(octokit.rest.pulls.listReviewComments, request);
        return comments.map(({ id, path, line, body, user }) => ({ id, path, line: line ?? undefined, body, author: loginOf(user) }));
      }),
  };
}
