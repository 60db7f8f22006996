import { GithubError, validationFailed } from '../errors.ts';
import { now, type Forge } from '../forge.ts';
import { gitDirOf, mergeBase } from '../git/bare-repository.ts';
import { changedFiles, type ChangedFile } from '../git/diffs.ts';
import { presentReview, presentReviewComment, presentSimplePull } from '../present/pulls.ts';
import type { PullRecord, RepositoryRecord, ReviewCommentRecord, ReviewRecord, ReviewState, UserRecord } from '../store/records.ts';
import { publish } from '../webhooks/publish.ts';
import { locateLine } from './diff-lines.ts';
import { freshPull } from './permissions.ts';

export interface PullAct {
  readonly repository: RepositoryRecord;
  readonly pull: PullRecord;
  readonly actor: UserRecord;
}

export type ReviewVerdict = 'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT';

export interface LineComment {
  readonly path: string;
  readonly body: string;
  /** Line of the file; undefined: `position` of the diff, or the whole file. */
  readonly line?: number | undefined;
  readonly position?: number | undefined;
  readonly side?: 'LEFT' | 'RIGHT' | undefined;
  readonly startLine?: number | undefined;
}

export interface ReviewDraft {
  readonly body?: string | undefined;
  /** Undefined leaves the review pending. */
  readonly event?: ReviewVerdict | undefined;
  readonly commitSha?: string | undefined;
  readonly comments?: readonly LineComment[] | undefined;
}

const states: Readonly<Record<ReviewVerdict, ReviewState>> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
};

export async function createReview(forge: Forge, act: PullAct, draft: ReviewDraft): Promise<ReviewRecord> {
  const { pull, actor, repository } = act;
  const { body = '', event, comments = [] } = draft;
  if (event) refuseVerdict(act, event, body, comments.length);
  const files = comments.length === 0 ? [] : await filesOfPull(forge, act);
  const located = comments.map((comment) => ({ comment, place: placeOf(files, comment) }));
  return forge.store.transaction(() => {
    if (hasPending(forge, act))
      throw new GithubError(422, 'Unprocessable Entity', { errors: ['User can only have one pending review per pull request'] });
    const review = forge.store.reviews.insert(
      { parent: pull.id },
      {
        repositoryId: repository.id,
        issueId: pull.id,
        userId: actor.id,
        body,
        state: 'PENDING',
        commitSha: draft.commitSha ?? pull.pull.headSha,
        submittedAt: null,
      },
    );
    for (const { comment, place } of located) insertComment(forge, act, review, comment, place);
    return event ? settle(forge, act, review, event, body) : review;
  });
}

/** Submits a pending review. */
export function submitReview(forge: Forge, act: PullAct, review: ReviewRecord, event: ReviewVerdict, body: string): ReviewRecord {
  const count = commentsOf(forge, act.pull, review.id).length;
  if (review.state !== 'PENDING')
    throw new GithubError(422, 'Unprocessable Entity', { errors: ['Can not submit a review that is not pending'] });
  refuseVerdict(act, event, body || review.body, count);
  return forge.store.transaction(() => settle(forge, act, review, event, body || review.body));
}

function settle(forge: Forge, act: PullAct, review: ReviewRecord, event: ReviewVerdict, body: string): ReviewRecord {
  const { pull, actor, repository } = act;
  const settled = forge.store.reviews.change(review, { state: states[event], body, submittedAt: now() });
  const { pull: latest } = freshPull(forge, pull); // a push may have moved the head while the files were compared
  const part = { ...latest, requestedReviewerIds: latest.requestedReviewerIds.filter((id) => id !== actor.id) };
  const issue = forge.store.issues.change(pull, { updatedAt: now(), pull: part });
  const current: PullAct = { ...act, pull: { ...issue, pull: part } };
  publish(forge, { repository, sender: actor }, 'pull_request_review', reviewPayload(forge, current, 'submitted', settled));
  for (const comment of commentsOf(forge, pull, review.id)) tellReviewComment(forge, current, comment);
  return settled;
}

export function dismissReview(forge: Forge, act: PullAct, review: ReviewRecord): ReviewRecord {
  if (review.state !== 'APPROVED' && review.state !== 'CHANGES_REQUESTED') {
    throw new GithubError(422, 'Unprocessable Entity', { errors: ['Can not dismiss a commented pull request review'] });
  }
  return forge.store.transaction(() => {
    const dismissed = forge.store.reviews.change(review, { state: 'DISMISSED' });
    publish(
      forge,
      { repository: act.repository, sender: act.actor },
      'pull_request_review',
      reviewPayload(forge, act, 'dismissed', dismissed),
    );
    return dismissed;
  });
}

/** Webhooks spell the state in lower case, the REST API in upper case. */
function reviewPayload(forge: Forge, { repository, pull }: PullAct, action: string, review: ReviewRecord) {
  const presented = presentReview(forge, repository, pull, review);
  return {
    action,
    review: { ...presented, body: review.body || null, state: review.state.toLowerCase() },
    pull_request: presentSimplePull(forge, repository, pull),
  };
}

function tellReviewComment(forge: Forge, { repository, pull, actor }: PullAct, comment: ReviewCommentRecord): void {
  publish(forge, { repository, sender: actor }, 'pull_request_review_comment', {
    action: 'created',
    comment: presentReviewComment(forge, repository, pull, comment),
    pull_request: presentSimplePull(forge, repository, pull),
  });
}

function refuseVerdict({ pull, actor }: PullAct, event: ReviewVerdict, body: string, comments: number): void {
  const own = pull.userId === actor.id;
  if (own && event === 'APPROVE') throw unprocessable('Can not approve your own pull request');
  if (own && event === 'REQUEST_CHANGES') throw unprocessable('Can not request changes on your own pull request');
  const needsBody = event === 'REQUEST_CHANGES' || (event === 'COMMENT' && comments === 0);
  if (needsBody && body.trim() === '') {
    throw validationFailed({ resource: 'PullRequestReview', field: 'body', code: 'missing_field' });
  }
}

function unprocessable(message: string): GithubError {
  return new GithubError(422, 'Unprocessable Entity', { errors: [message] });
}

function hasPending(forge: Forge, { pull, actor }: PullAct): boolean {
  return forge.store.reviews.list(pull.id).some((review) => review.userId === actor.id && review.state === 'PENDING');
}

export function commentsOf(forge: Forge, pull: PullRecord, reviewId: number): ReviewCommentRecord[] {
  return forge.store.reviewComments.list(pull.id).filter((comment) => comment.reviewId === reviewId);
}

export async function filesOfPull(forge: Forge, { repository, pull }: Pick<PullAct, 'repository' | 'pull'>): Promise<ChangedFile[]> {
  const gitDir = gitDirOf(forge.dataDir, repository.id);
  // Once merged, the base contains the head: the files are those of the time of the merge.
  const from = await mergeBase(gitDir, pull.pull.baseSha, pull.pull.headSha);
  return changedFiles(gitDir, from, pull.pull.headSha);
}

interface Place {
  readonly position: number | null;
  readonly diffHunk: string;
}

function placeOf(files: readonly ChangedFile[], { path, line, position, side = 'RIGHT' }: LineComment): Place {
  const file = files.find((candidate) => candidate.path === path);
  if (!file) throw unprocessable('Path could not be resolved');
  if (line === undefined && position === undefined) return { position: null, diffHunk: file.patch?.split('\n')[0] ?? '' };
  const found = locateLine(file.patch ?? '', { line, position, side });
  if (!found) throw unprocessable(`${line === undefined ? 'Position' : 'Line'} could not be resolved`);
  return { position: found.position, diffHunk: found.hunk };
}

function insertComment(
  forge: Forge,
  { repository, pull, actor }: PullAct,
  review: ReviewRecord,
  comment: LineComment,
  place: Place,
): ReviewCommentRecord {
  const at = now();
  return forge.store.reviewComments.insert(
    { parent: pull.id },
    {
      repositoryId: repository.id,
      issueId: pull.id,
      reviewId: review.id,
      userId: actor.id,
      body: comment.body,
      path: comment.path,
      line: comment.line ?? null,
      startLine: comment.startLine ?? null,
      side: comment.side ?? 'RIGHT',
      position: place.position,
      diffHunk: place.diffHunk,
      commitSha: review.commitSha,
      inReplyToId: null,
      createdAt: at,
      updatedAt: at,
    },
  );
}

/** A single comment: a review of its own that says only this, as on GitHub. */
export async function createReviewComment(
  forge: Forge,
  act: PullAct,
  comment: LineComment,
  commitSha?: string,
): Promise<ReviewCommentRecord> {
  const review = await createReview(forge, act, { event: 'COMMENT', comments: [comment], commitSha });
  const [created] = commentsOf(forge, act.pull, review.id);
  if (!created) throw new Error('a review was stored without its comment');
  return created;
}

export function replyToComment(forge: Forge, act: PullAct, parent: ReviewCommentRecord, body: string): ReviewCommentRecord {
  const at = now();
  return forge.store.transaction(() => {
    const review = forge.store.reviews.insert(
      { parent: act.pull.id },
      {
        repositoryId: act.repository.id,
        issueId: act.pull.id,
        userId: act.actor.id,
        body: '',
        state: 'COMMENTED',
        commitSha: act.pull.pull.headSha,
        submittedAt: at,
      },
    );
    const { id: _, ...place } = parent;
    const inReplyToId = parent.inReplyToId ?? parent.id;
    const reply = forge.store.reviewComments.insert(
      { parent: act.pull.id },
      { ...place, reviewId: review.id, userId: act.actor.id, body, inReplyToId, createdAt: at, updatedAt: at },
    );
    publish(
      forge,
      { repository: act.repository, sender: act.actor },
      'pull_request_review',
      reviewPayload(forge, act, 'submitted', review),
    );
    tellReviewComment(forge, act, reply);
    return reply;
  });
}
