/** What the server remembers. Times are RFC 3339 in UTC with whole seconds, as GitHub writes them; ids are per collection. */
export interface UserRecord {
  readonly id: number;
  readonly login: string;
  readonly name: string | null;
  readonly type: 'User' | 'Bot';
  readonly emails: readonly EmailRecord[];
  readonly createdAt: string;
}

export interface EmailRecord {
  readonly email: string;
  readonly primary: boolean;
  readonly verified: boolean;
}

/** A personal access token or an OAuth token; only its SHA-256 is kept, as the document's name. */
export interface TokenRecord {
  readonly id: number;
  readonly userId: number;
  readonly hash: string;
  readonly scopes: readonly string[];
}

export type Permission = 'read' | 'triage' | 'write' | 'maintain' | 'admin';

export interface RepositoryRecord {
  readonly id: number;
  readonly ownerId: number;
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly description: string | null;
  readonly defaultBranch: string;
  readonly collaborators: Readonly<Record<string, Permission>>;
  /** Issues and pull requests share the numbers. */
  readonly lastNumber: number;
  /** Branches and tags as last announced by events; what differs in git is news. */
  readonly refs: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly pushedAt: string;
}

export interface LabelRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly name: string;
  readonly color: string;
  readonly description: string | null;
}

export interface IssueRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  readonly state: 'open' | 'closed';
  readonly stateReason: 'completed' | 'not_planned' | 'duplicate' | 'reopened' | null;
  readonly userId: number;
  readonly labelIds: readonly number[];
  readonly assigneeIds: readonly number[];
  readonly commentCount: number;
  readonly closedById: number | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly closedAt: string | null;
  readonly pull: PullPart | null;
}

export interface PullPart {
  readonly headRef: string;
  readonly headSha: string;
  readonly baseRef: string;
  readonly baseSha: string;
  readonly draft: boolean;
  readonly mergedAt: string | null;
  readonly mergedById: number | null;
  readonly mergeCommitSha: string | null;
  readonly requestedReviewerIds: readonly number[];
  readonly commits: number;
  readonly additions: number;
  readonly deletions: number;
  readonly changedFiles: number;
}

export type PullRecord = IssueRecord & { readonly pull: PullPart };

export interface CommentRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly issueId: number;
  readonly userId: number;
  readonly body: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface IssueEventRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly issueId: number;
  readonly actorId: number;
  readonly event: 'labeled' | 'unlabeled' | 'closed' | 'reopened' | 'renamed' | 'merged' | 'assigned' | 'unassigned' | 'review_requested';
  readonly label: { readonly name: string; readonly color: string } | null;
  readonly rename: { readonly from: string; readonly to: string } | null;
  readonly assigneeId: number | null;
  readonly commitSha: string | null;
  readonly createdAt: string;
}

export const reactionContents = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes'] as const;
export type ReactionContent = (typeof reactionContents)[number];

export interface ReactionRecord {
  readonly id: number;
  readonly subject: string;
  readonly userId: number;
  readonly content: ReactionContent;
  readonly createdAt: string;
}

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';

export interface ReviewRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly issueId: number;
  readonly userId: number;
  readonly body: string;
  readonly state: ReviewState;
  readonly commitSha: string;
  readonly submittedAt: string | null;
}

export interface ReviewCommentRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly issueId: number;
  readonly reviewId: number;
  readonly userId: number;
  readonly body: string;
  readonly path: string;
  readonly line: number | null;
  readonly startLine: number | null;
  readonly side: 'LEFT' | 'RIGHT';
  readonly position: number | null;
  readonly diffHunk: string;
  readonly commitSha: string;
  readonly inReplyToId: number | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface StatusRecord {
  readonly id: number;
  readonly sha: string;
  readonly creatorId: number;
  readonly state: 'error' | 'failure' | 'pending' | 'success';
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly createdAt: string;
}

export type CheckConclusion = 'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped' | 'timed_out' | 'action_required' | 'stale';

export interface CheckRunRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly headSha: string;
  readonly creatorId: number;
  readonly name: string;
  readonly externalId: string;
  readonly detailsUrl: string | null;
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion: CheckConclusion | null;
  readonly startedAt: string;
  readonly completedAt: string | null;
  readonly output: { readonly title: string | null; readonly summary: string | null; readonly text: string | null };
}

export interface HookRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly active: boolean;
  readonly events: readonly string[];
  readonly url: string;
  readonly secret: string | null;
  readonly contentType: 'json' | 'form';
  readonly insecureSsl: '0' | '1';
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly lastResponse: { readonly code: number | null; readonly status: string; readonly message: string | null };
}

export interface DeliveryRecord {
  readonly id: number;
  readonly hookId: number;
  readonly repositoryId: number;
  readonly guid: string;
  readonly event: string;
  readonly action: string | null;
  readonly redelivery: boolean;
  readonly queued: boolean;
  readonly deliveredAt: string;
  readonly durationSec: number;
  readonly statusCode: number;
  readonly status: string;
  readonly url: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  /** The exact JSON text that was signed. */
  readonly payload: string;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly responseBody: string;
}

export interface ProtectionRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly branch: string;
  readonly requirePullRequest: { readonly approvals: number } | null;
  readonly requiredChecks: { readonly strict: boolean; readonly contexts: readonly string[] } | null;
  readonly restrictedTo: readonly string[] | null;
  readonly enforceAdmins: boolean;
  readonly allowForcePushes: boolean;
  readonly allowDeletions: boolean;
  readonly requireLinearHistory: boolean;
}

export interface EnvironmentRecord {
  readonly id: number;
  readonly repositoryId: number;
  readonly name: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface VariableRecord {
  readonly id: number;
  readonly name: string;
  readonly value: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface SecretRecord {
  readonly id: number;
  readonly name: string;
  /** The sealed box exactly as it was sent, base64. */
  readonly sealed: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface SealingKeyRecord {
  readonly id: number;
  readonly publicKey: string;
  readonly privateKey: string;
}

export interface OauthAppRecord {
  readonly id: number;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUris: readonly string[];
}

export interface OauthCodeRecord {
  readonly id: number;
  readonly clientId: string;
  readonly userId: number;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly codeChallenge: string | null;
  readonly expiresAt: number;
}

export interface SessionRecord {
  readonly id: number;
  readonly userId: number;
  readonly csrf: string;
}
