import type { View } from '../forge.ts';
import {
  reactionContents,
  type CommentRecord,
  type IssueEventRecord,
  type IssueRecord,
  type LabelRecord,
  type ReactionContent,
  type ReactionRecord,
  type RepositoryRecord,
} from '../store/records.ts';
import { repositoryUrls } from './repositories.ts';
import { authorAssociation, nodeId, presentAssignees, presentUserId } from './users.ts';

export function presentLabel(view: View, repository: RepositoryRecord, label: LabelRecord) {
  return {
    id: label.id,
    node_id: nodeId('Label', label.id),
    url: `${repositoryUrls(view, repository).api}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  };
}

export function presentLabels(view: View, repository: RepositoryRecord, issue: IssueRecord) {
  return issue.labelIds.flatMap((id) => view.store.labels.get(id) ?? []).map((label) => presentLabel(view, repository, label));
}

export function presentReactionRollup(view: View, subject: string, url: string) {
  const reactions = view.store.reactions.list(subject);
  const count = (content: ReactionContent): number => reactions.filter((reaction) => reaction.content === content).length;
  const counts = Object.fromEntries(reactionContents.map((content) => [content, count(content)]));
  return { url, total_count: reactions.length, ...counts };
}

export function presentReaction(view: View, reaction: ReactionRecord) {
  return {
    id: reaction.id,
    node_id: nodeId('Reaction', reaction.id),
    user: presentUserId(view, reaction.userId),
    content: reaction.content,
    created_at: reaction.createdAt,
  };
}

/** As in lists and webhook payloads; pull requests are issues with `pull_request`. */
export function presentIssue(view: View, repository: RepositoryRecord, issue: IssueRecord) {
  const { api, html } = repositoryUrls(view, repository);
  const url = `${api}/issues/${issue.number}`;
  const htmlUrl = `${html}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`;
  return {
    url,
    repository_url: api,
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: htmlUrl,
    id: issue.id,
    node_id: nodeId('Issue', issue.id),
    number: issue.number,
    title: issue.title,
    user: presentUserId(view, issue.userId),
    labels: presentLabels(view, repository, issue),
    state: issue.state,
    locked: false,
    ...presentAssignees(view, issue),
    milestone: null,
    comments: issue.commentCount,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    author_association: authorAssociation(repository, issue.userId),
    active_lock_reason: null,
    body: issue.body,
    reactions: presentReactionRollup(view, `issue:${issue.id}`, `${url}/reactions`),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    state_reason: issue.stateReason,
    ...(issue.pull === null ? {} : { draft: issue.pull.draft, pull_request: pullLinks(api, htmlUrl, issue) }),
  };
}

function pullLinks(api: string, htmlUrl: string, issue: IssueRecord) {
  return {
    url: `${api}/pulls/${issue.number}`,
    html_url: htmlUrl,
    diff_url: `${htmlUrl}.diff`,
    patch_url: `${htmlUrl}.patch`,
    merged_at: issue.pull?.mergedAt ?? null,
  };
}

/** As `GET /repos/{owner}/{repo}/issues/{number}` answers. */
export function presentFullIssue(view: View, repository: RepositoryRecord, issue: IssueRecord) {
  const closedBy = issue.closedById === null ? null : presentUserId(view, issue.closedById);
  return { ...presentIssue(view, repository, issue), closed_by: closedBy };
}

export function presentComment(view: View, repository: RepositoryRecord, issue: IssueRecord, comment: CommentRecord) {
  const { api, html } = repositoryUrls(view, repository);
  const url = `${api}/issues/comments/${comment.id}`;
  return {
    url,
    html_url: `${html}/${issue.pull ? 'pull' : 'issues'}/${issue.number}#issuecomment-${comment.id}`,
    issue_url: `${api}/issues/${issue.number}`,
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    user: presentUserId(view, comment.userId),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: authorAssociation(repository, comment.userId),
    performed_via_github_app: null,
    body: comment.body,
    reactions: presentReactionRollup(view, `comment:${comment.id}`, `${url}/reactions`),
  };
}

export function presentIssueEvent(view: View, repository: RepositoryRecord, event: IssueEventRecord) {
  const { api } = repositoryUrls(view, repository);
  return {
    id: event.id,
    node_id: nodeId('IssueEvent', event.id),
    url: `${api}/issues/events/${event.id}`,
    actor: presentUserId(view, event.actorId),
    event: event.event,
    commit_id: event.commitSha,
    commit_url: event.commitSha === null ? null : `${api}/commits/${event.commitSha}`,
    created_at: event.createdAt,
    performed_via_github_app: null,
    ...(event.label === null ? {} : { label: event.label }),
    ...(event.rename === null ? {} : { rename: event.rename }),
    ...presentEventPeople(view, event),
    ...(event.event === 'closed' ? { state_reason: null } : {}),
  };
}

function presentEventPeople(view: View, event: IssueEventRecord) {
  if (event.assigneeId === null) return {};
  const other = presentUserId(view, event.assigneeId);
  const actor = presentUserId(view, event.actorId);
  if (event.event === 'review_requested') return { review_requester: actor, requested_reviewer: other };
  return { assignee: other, assigner: actor };
}
