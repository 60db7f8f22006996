import { z } from 'zod';
import { GithubError, notFound, validationFailed } from '../errors.ts';
import { pullOf } from '../app/permissions.ts';
import {
  commentsOf,
  createReview,
  createReviewComment,
  dismissReview,
  replyToComment,
  submitReview,
  type PullAct,
} from '../app/reviews.ts';
import { presentReview, presentReviewComment } from '../present/pulls.ts';
import type { PullRecord, ReviewCommentRecord, ReviewRecord } from '../store/records.ts';
import { pullOfCall } from './pulls.ts';
import { created, ok, paged, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';

const Verdict = z.enum(['APPROVE', 'REQUEST_CHANGES', 'COMMENT']);
const Side = z.enum(['LEFT', 'RIGHT']);

const LineComment = z.object({
  path: z.string().min(1),
  body: z.string().min(1),
  line: z.number().int().positive().optional(),
  position: z.number().int().positive().optional(),
  side: Side.optional(),
  start_line: z.number().int().positive().optional(),
});

const NewReview = z.object({
  body: z.string().optional(),
  event: Verdict.optional(),
  commit_id: z.string().optional(),
  comments: z.array(LineComment).optional(),
});

const Submission = z.object({ event: Verdict, body: z.string().default('') });
const Dismissal = z.object({ message: z.string().min(1) });
const NewComment = LineComment.extend({
  commit_id: z.string().optional(),
  in_reply_to: z.number().int().optional(),
  path: z.string().default(''),
});
const Reply = z.object({ body: z.string().min(1) });

function act(call: RepositoryCall): PullAct {
  return { repository: call.repository, pull: pullOfCall(call), actor: signedIn(call) };
}

function draftOf({ start_line: startLine, ...comment }: z.infer<typeof LineComment>) {
  return { ...comment, startLine };
}

async function create(call: RepositoryCall): Promise<Answer> {
  const { commit_id: commitSha, comments, ...body } = parseBody(NewReview, call.body, 'PullRequestReview');
  const review = await createReview(call.forge, act(call), { ...body, commitSha, comments: comments?.map(draftOf) });
  return presentedReview(call, review);
}

function presentedReview(call: RepositoryCall, review: ReviewRecord): Answer {
  return ok(presentReview(call.forge, call.repository, pullOfCall(call), review));
}

/** Pending reviews are their author's own business. */
function visibleReviews(call: RepositoryCall, pull: PullRecord): ReviewRecord[] {
  return call.forge.store.reviews.list(pull.id).filter((review) => review.state !== 'PENDING' || review.userId === call.user?.id);
}

function reviewOf(call: RepositoryCall): ReviewRecord {
  const review = visibleReviews(call, pullOfCall(call)).find(({ id }) => id === Number(call.params['review']));
  if (!review) throw notFound();
  return review;
}

function submit(call: RepositoryCall): Answer {
  const { event, body } = parseBody(Submission, call.body, 'PullRequestReview');
  return presentedReview(call, submitReview(call.forge, act(call), reviewOf(call), event, body));
}

function dismiss(call: RepositoryCall): Answer {
  parseBody(Dismissal, call.body, 'PullRequestReview');
  return presentedReview(call, dismissReview(call.forge, act(call), reviewOf(call)));
}

/** Comments of reviews that were submitted; a pending one's are its author's. */
function visibleComments(call: RepositoryCall, pull: PullRecord): ReviewCommentRecord[] {
  const reviews = new Set(visibleReviews(call, pull).map(({ id }) => id));
  return call.forge.store.reviewComments.list(pull.id).filter(({ reviewId }) => reviews.has(reviewId));
}

function listed(call: RepositoryCall, pull: PullRecord, comments: readonly ReviewCommentRecord[]): Answer {
  return paged(call, comments, (comment) => presentReviewComment(call.forge, call.repository, pull, comment));
}

async function comment(call: RepositoryCall): Promise<Answer> {
  const { commit_id: commitSha, in_reply_to: parentId, ...body } = parseBody(NewComment, call.body, 'PullRequestReviewComment');
  if (parentId !== undefined) return reply(call, parentId, body.body);
  if (body.path === '') throw validationFailed({ resource: 'PullRequestReviewComment', field: 'path', code: 'missing_field' });
  const saved = await createReviewComment(call.forge, act(call), draftOf(body), commitSha).catch(inWordsOfComments);
  return presentedComment(call, saved);
}

/** The same refusal that a review tells as a sentence is a field's problem here. */
function inWordsOfComments(error: unknown): never {
  if (!(error instanceof GithubError) || typeof error.errors?.[0] !== 'string') throw error;
  const field = 'pull_request_review_thread.line';
  throw validationFailed({ resource: 'PullRequestReviewComment', code: 'custom', field, message: error.errors[0] });
}

function presentedComment(call: RepositoryCall, comment: ReviewCommentRecord): Answer {
  const presented = presentReviewComment(call.forge, call.repository, pullOfCall(call), comment);
  return created(presented, presented.url);
}

function reply(call: RepositoryCall, parentId: number, body: string): Answer {
  const parent = visibleComments(call, pullOfCall(call)).find(({ id }) => id === parentId);
  if (!parent) throw notFound();
  return presentedComment(call, replyToComment(call.forge, act(call), parent, body));
}

function oneComment(call: RepositoryCall): Answer {
  const { forge, repository } = call;
  const comment = forge.store.reviewComments.get(Number(call.params['id']));
  if (!comment || comment.repositoryId !== repository.id) throw notFound();
  const issue = forge.store.issues.get(comment.issueId);
  if (!issue) throw notFound();
  return ok(presentReviewComment(forge, repository, pullOf(forge, repository, issue.number), comment));
}

const pull = '/repos/:owner/:repo/pulls/:number';

export const reviewRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `${pull}/reviews`,
    access: 'read',
    handle: (call) => {
      const found = pullOfCall(call);
      return paged(call, visibleReviews(call, found), (review) => presentReview(call.forge, call.repository, found, review));
    },
  },
  { method: 'POST', path: `${pull}/reviews`, access: 'comment', handle: create },
  { method: 'GET', path: `${pull}/reviews/:review`, access: 'read', handle: (call) => presentedReview(call, reviewOf(call)) },
  { method: 'POST', path: `${pull}/reviews/:review/events`, access: 'comment', handle: submit },
  { method: 'PUT', path: `${pull}/reviews/:review/dismissals`, access: 'write', handle: dismiss },
  {
    method: 'GET',
    path: `${pull}/reviews/:review/comments`,
    access: 'read',
    handle: (call) => listed(call, pullOfCall(call), commentsOf(call.forge, pullOfCall(call), reviewOf(call).id)),
  },
  {
    method: 'GET',
    path: `${pull}/comments`,
    access: 'read',
    handle: (call) => listed(call, pullOfCall(call), visibleComments(call, pullOfCall(call))),
  },
  { method: 'POST', path: `${pull}/comments`, access: 'comment', handle: comment },
  {
    method: 'POST',
    path: `${pull}/comments/:id/replies`,
    access: 'comment',
    handle: (call) => reply(call, Number(call.params['id']), parseBody(Reply, call.body, 'PullRequestReviewComment').body),
  },
  { method: 'GET', path: '/repos/:owner/:repo/pulls/comments/:id', access: 'read', handle: oneComment },
];
