import type { View } from '../forge.ts';
import type { PullRecord, RepositoryRecord, ReviewCommentRecord, ReviewRecord } from '../store/records.ts';
import { presentLabels, presentReactionRollup } from './issues.ts';
import { presentRepository, repositoryUrls } from './repositories.ts';
import { authorAssociation, nodeId, presentAssignees, presentUserId } from './users.ts';

function pullUrls(view: View, repository: RepositoryRecord, pull: PullRecord) {
  const { api, html } = repositoryUrls(view, repository);
  return {
    url: `${api}/pulls/${pull.number}`,
    html: `${html}/pull/${pull.number}`,
    issue: `${api}/issues/${pull.number}`,
    statuses: `${api}/statuses/${pull.pull.headSha}`,
  };
}

function presentLinks(urls: ReturnType<typeof pullUrls>) {
  const href = (value: string): { href: string } => ({ href: value });
  return {
    self: href(urls.url),
    html: href(urls.html),
    issue: href(urls.issue),
    comments: href(`${urls.issue}/comments`),
    review_comments: href(`${urls.url}/comments`),
    review_comment: href(`${urls.url.replace(/\/\d+$/, '')}/comments{/number}`),
    commits: href(`${urls.url}/commits`),
    statuses: href(urls.statuses),
  };
}

function presentBranch(view: View, repository: RepositoryRecord, ref: string, sha: string) {
  return {
    label: `${repository.owner}:${ref}`,
    ref,
    sha,
    user: presentUserId(view, repository.ownerId),
    repo: presentRepository(view, repository),
  };
}

/** As in lists and in the webhooks of reviews. */
export function presentSimplePull(view: View, repository: RepositoryRecord, pull: PullRecord) {
  const urls = pullUrls(view, repository, pull);
  const part = pull.pull;
  return {
    url: urls.url,
    id: pull.id,
    node_id: nodeId('PullRequest', pull.id),
    html_url: urls.html,
    diff_url: `${urls.html}.diff`,
    patch_url: `${urls.html}.patch`,
    issue_url: urls.issue,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: presentUserId(view, pull.userId),
    body: pull.body,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: part.mergedAt,
    merge_commit_sha: part.mergeCommitSha,
    ...presentAssignees(view, pull),
    requested_reviewers: part.requestedReviewerIds.map((id) => presentUserId(view, id)),
    requested_teams: [] as object[],
    labels: presentLabels(view, repository, pull),
    milestone: null,
    draft: part.draft,
    commits_url: `${urls.url}/commits`,
    review_comments_url: `${urls.url}/comments`,
    review_comment_url: `${urls.url.replace(/\/\d+$/, '')}/comments{/number}`,
    comments_url: `${urls.issue}/comments`,
    statuses_url: urls.statuses,
    head: presentBranch(view, repository, part.headRef, part.headSha),
    base: presentBranch(view, repository, part.baseRef, part.baseSha),
    _links: presentLinks(urls),
    author_association: authorAssociation(repository, pull.userId),
    auto_merge: null,
    active_lock_reason: null,
  };
}

/** `mergeable` is null while it is unknown, as in webhooks. */
export function presentPull(view: View, repository: RepositoryRecord, pull: PullRecord, mergeable: boolean | null = null) {
  const part = pull.pull;
  const merged = part.mergedAt !== null;
  return {
    ...presentSimplePull(view, repository, pull),
    merged,
    mergeable,
    rebaseable: mergeable,
    mergeable_state: mergeable === null ? 'unknown' : mergeable ? (part.draft ? 'draft' : 'clean') : 'dirty',
    merged_by: part.mergedById === null ? null : presentUserId(view, part.mergedById),
    comments: pull.commentCount,
    review_comments: view.store.reviewComments.list(pull.id).length,
    maintainer_can_modify: false,
    commits: part.commits,
    additions: part.additions,
    deletions: part.deletions,
    changed_files: part.changedFiles,
  };
}

export function presentReview(view: View, repository: RepositoryRecord, pull: PullRecord, review: ReviewRecord) {
  const urls = pullUrls(view, repository, pull);
  const htmlUrl = `${urls.html}#pullrequestreview-${review.id}`;
  return {
    id: review.id,
    node_id: nodeId('PullRequestReview', review.id),
    user: presentUserId(view, review.userId),
    body: review.body,
    state: review.state,
    html_url: htmlUrl,
    pull_request_url: urls.url,
    author_association: authorAssociation(repository, review.userId),
    _links: { html: { href: htmlUrl }, pull_request: { href: urls.url } },
    ...(review.submittedAt === null ? {} : { submitted_at: review.submittedAt }),
    commit_id: review.commitSha,
  };
}

export function presentReviewComment(view: View, repository: RepositoryRecord, pull: PullRecord, comment: ReviewCommentRecord) {
  const urls = pullUrls(view, repository, pull);
  const url = `${repositoryUrls(view, repository).api}/pulls/comments/${comment.id}`;
  const htmlUrl = `${urls.html}#discussion_r${comment.id}`;
  return {
    url,
    pull_request_review_id: comment.reviewId,
    id: comment.id,
    node_id: nodeId('PullRequestReviewComment', comment.id),
    diff_hunk: comment.diffHunk,
    path: comment.path,
    commit_id: comment.commitSha,
    original_commit_id: comment.commitSha,
    user: presentUserId(view, comment.userId),
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    html_url: htmlUrl,
    pull_request_url: urls.url,
    author_association: authorAssociation(repository, comment.userId),
    _links: { self: { href: url }, html: { href: htmlUrl }, pull_request: { href: urls.url } },
    reactions: presentReactionRollup(view, `review_comment:${comment.id}`, `${url}/reactions`),
    start_line: comment.startLine,
    original_start_line: comment.startLine,
    start_side: comment.startLine === null ? null : comment.side,
    line: comment.line,
    original_line: comment.line,
    side: comment.side,
    original_position: comment.position ?? 1,
    position: comment.position ?? 1,
    subject_type: comment.line === null ? 'file' : 'line',
    ...(comment.inReplyToId === null ? {} : { in_reply_to_id: comment.inReplyToId }),
  };
}
