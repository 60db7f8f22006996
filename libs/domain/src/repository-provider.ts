/**
 * What the platform asks of a code host (FR-002). GitHub is the first; GitLab must fit without changing a caller, so nothing here
 * is named after a GitHub route. Every function throws AppError with a `github.*` code; "not there" is `undefined` where said.
 */
export interface RepositoryRef {
  readonly owner: string;
  readonly name: string;
}

export interface RepositoryInfo extends RepositoryRef {
  /** The host's own numeric id; stable over renames. */
  readonly externalId: number;
  readonly fullName: string;
  readonly private: boolean;
  readonly defaultBranch: string;
  /** HTTPS clone address without credentials. */
  readonly cloneUrl: string;
  readonly htmlUrl: string;
}

export interface Issue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly state: 'open' | 'closed';
  readonly labels: readonly string[];
  readonly author: string;
  readonly htmlUrl: string;
  readonly isPullRequest: boolean;
}

export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly state: 'open' | 'closed';
  readonly merged: boolean;
  readonly headBranch: string;
  readonly headSha: string;
  readonly baseBranch: string;
  readonly author: string;
  readonly htmlUrl: string;
}

export interface Comment {
  readonly id: number;
  readonly body: string;
  readonly author: string;
  readonly htmlUrl: string;
}

export interface Review {
  readonly id: number;
  readonly author: string;
  readonly state: 'approved' | 'changes_requested' | 'commented' | 'dismissed' | 'pending';
  readonly body: string;
  readonly commitSha: string | undefined;
  readonly htmlUrl: string;
}

export interface ReviewCommentDraft {
  readonly path: string;
  readonly line: number;
  readonly body: string;
}

export interface Comparison {
  readonly aheadBy: number;
  readonly behindBy: number;
  readonly files: readonly { readonly path: string; readonly status: string; readonly additions: number; readonly deletions: number }[];
}

export interface WebhookSpec {
  readonly url: string;
  readonly secret: string;
  readonly events: readonly string[];
}

export interface HookDelivery {
  /** The host's id of the attempt, used to redeliver. */
  readonly id: number;
  /** The id sent in the delivery header; equal for all attempts of one event. */
  readonly guid: string;
  readonly event: string;
  readonly deliveredAt: Date;
  /** HTTP status the receiver answered, 0 when it was not reached. */
  readonly statusCode: number;
}

export interface RepositoryProvider {
  readonly kind: 'github' | 'gitlab';

  validateRepository(ref: RepositoryRef): Promise<RepositoryInfo>;

  ensureWebhook(ref: RepositoryRef, spec: WebhookSpec): Promise<{ hookId: number; created: boolean }>;
  deleteWebhook(ref: RepositoryRef, url: string): Promise<void>;
  /** Deliveries not older than `since`, newest first. */
  listHookDeliveries(ref: RepositoryRef, hookId: number, since: Date): Promise<HookDelivery[]>;
  redeliver(ref: RepositoryRef, hookId: number, deliveryId: number): Promise<void>;

  getIssue(ref: RepositoryRef, number: number): Promise<Issue | undefined>;
  listIssues(ref: RepositoryRef, filter: { readonly state: 'open' | 'closed' | 'all' }): Promise<Issue[]>;

  /** Creates what is missing; existing labels stay as they are. */
  ensureLabels(
    ref: RepositoryRef,
    labels: readonly { readonly name: string; readonly color: string; readonly description: string }[],
  ): Promise<void>;
  addLabels(ref: RepositoryRef, number: number, labels: readonly string[]): Promise<void>;
  /** Removing a label that is not there is fine. */
  removeLabel(ref: RepositoryRef, number: number, label: string): Promise<void>;

  /** The first comment whose body contains `marker`, oldest first. */
  findComment(ref: RepositoryRef, number: number, marker: string): Promise<Comment | undefined>;
  createComment(ref: RepositoryRef, number: number, body: string): Promise<Comment>;
  /** Undefined: the comment was deleted. */
  updateComment(ref: RepositoryRef, commentId: number, body: string): Promise<Comment | undefined>;
  listComments(ref: RepositoryRef, number: number): Promise<Comment[]>;
  /** Repeating it is harmless. */
  addReaction(ref: RepositoryRef, number: number, content: 'eyes' | '+1'): Promise<void>;

  /** The commit a branch points at. */
  getBranchSha(ref: RepositoryRef, branch: string): Promise<string | undefined>;
  compare(ref: RepositoryRef, base: string, head: string): Promise<Comparison>;
  /** A text file at a ref; undefined when absent. */
  getFile(ref: RepositoryRef, path: string, at: string): Promise<string | undefined>;

  findOpenPullRequest(ref: RepositoryRef, headBranch: string): Promise<PullRequest | undefined>;
  getPullRequest(ref: RepositoryRef, number: number): Promise<PullRequest | undefined>;
  /** Unified diff. */
  getPullRequestDiff(ref: RepositoryRef, number: number): Promise<string>;
  createPullRequest(
    ref: RepositoryRef,
    draft: { readonly title: string; readonly body: string; readonly headBranch: string; readonly baseBranch: string },
  ): Promise<PullRequest>;

  /** A comment-only review: the platform never approves and never blocks in a person's place. */
  createReview(
    ref: RepositoryRef,
    number: number,
    draft: { readonly body: string; readonly commitSha: string; readonly comments: readonly ReviewCommentDraft[] },
  ): Promise<Review>;
  listReviews(ref: RepositoryRef, number: number): Promise<Review[]>;
  listReviewComments(
    ref: RepositoryRef,
    number: number,
  ): Promise<{ id: number; path: string; line: number | undefined; body: string; author: string }[]>;
}
