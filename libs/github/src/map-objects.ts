import type { Comment, HookDelivery, Issue, PullRequest, RepositoryInfo, Review } from '@codex-k8s/domain';
import type { RestEndpointMethodTypes as Rest } from '@octokit/plugin-rest-endpoint-methods';

/** GitHub's objects as the seam's. A deleted account is `ghost`, as GitHub itself shows it. */
const ghost = 'ghost';

type Account = { readonly login?: string } | null | undefined;

export function loginOf(account: Account): string {
  return account?.login ?? ghost;
}

export function toRepositoryInfo(data: Rest['repos']['get']['response']['data']): RepositoryInfo {
  return {
    owner: data.owner.login,
    name: data.name,
    externalId: data.id,
    fullName: data.full_name,
    private: data.private,
    defaultBranch: data.default_branch,
    cloneUrl: data.clone_url,
    htmlUrl: data.html_url,
  };
}

export function toIssue(data: Rest['issues']['get']['response']['data']): Issue {
  return {
    number: data.number,
    title: data.title,
    body: data.body ?? '',
    state: data.state === 'closed' ? 'closed' : 'open',
    labels: data.labels.flatMap((label) => (typeof label === 'string' ? label : (label.name ?? []))),
    author: loginOf(data.user),
    htmlUrl: data.html_url,
    isPullRequest: data.pull_request !== undefined,
  };
}

export function toComment(data: Rest['issues']['getComment']['response']['data']): Comment {
  return { id: data.id, body: data.body ?? '', author: loginOf(data.user), htmlUrl: data.html_url };
}

type PullData = Rest['pulls']['list']['response']['data'][number];

export function toPullRequest(data: Pick<PullData, 'number' | 'title' | 'merged_at' | 'user' | 'html_url'> & PullState): PullRequest {
  return {
    number: data.number,
    title: data.title,
    state: data.state === 'closed' ? 'closed' : 'open',
    merged: data.merged_at !== null,
    headBranch: data.head.ref,
    headSha: data.head.sha,
    baseBranch: data.base.ref,
    author: loginOf(data.user),
    htmlUrl: data.html_url,
  };
}

interface PullState {
  readonly state: string;
  readonly head: { readonly ref: string; readonly sha: string };
  readonly base: { readonly ref: string };
}

const reviewStates: Readonly<Record<string, Review['state']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes_requested',
  COMMENTED: 'commented',
  DISMISSED: 'dismissed',
  PENDING: 'pending',
};

export function toReview(data: Rest['pulls']['getReview']['response']['data']): Review {
  return {
    id: data.id,
    author: loginOf(data.user),
    state: reviewStates[data.state] ?? 'commented',
    body: data.body,
    commitSha: data.commit_id ?? undefined,
    htmlUrl: data.html_url,
  };
}

export function toHookDelivery(data: Rest['repos']['listWebhookDeliveries']['response']['data'][number]): HookDelivery {
  return {
    id: data.id,
    guid: data.guid,
    event: data.event,
    deliveredAt: new Date(data.delivered_at),
    statusCode: data.status_code,
  };
}
