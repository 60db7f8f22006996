import { now, type Forge } from '../forge.ts';
import { presentComment, presentIssue } from '../present/issues.ts';
import { presentPull } from '../present/pulls.ts';
import type { CommentRecord, IssueEventRecord, IssueRecord, PullPart, RepositoryRecord, UserRecord } from '../store/records.ts';
import { publish } from '../webhooks/publish.ts';
import { addLabels, setLabels } from './labels.ts';
import { isPull } from './permissions.ts';

export interface IssueAct {
  readonly repository: RepositoryRecord;
  readonly issue: IssueRecord;
  readonly actor: UserRecord;
}

export interface IssueDraft {
  readonly title: string;
  readonly body?: string | null | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly assigneeIds?: readonly number[] | undefined;
}

/** Inserts an issue or pull request under the repository's next number; no event yet. */
export function insertIssue(
  forge: Forge,
  repository: RepositoryRecord,
  actor: UserRecord,
  { title, body = null, assigneeIds = [], pull = null }: IssueDraft & { readonly pull?: PullPart | null },
): IssueRecord {
  const current = forge.store.repositories.get(repository.id) ?? repository;
  const number = current.lastNumber + 1;
  forge.store.repositories.change(current, { lastNumber: number });
  const at = now();
  return forge.store.issues.insert(
    { parent: repository.id, name: number },
    {
      repositoryId: repository.id,
      number,
      title,
      body,
      state: 'open',
      stateReason: null,
      userId: actor.id,
      labelIds: [],
      assigneeIds,
      commentCount: 0,
      closedById: null,
      createdAt: at,
      updatedAt: at,
      closedAt: null,
      pull,
    },
  );
}

export function createIssue(forge: Forge, repository: RepositoryRecord, actor: UserRecord, draft: IssueDraft): IssueRecord {
  return forge.store.transaction(() => {
    const issue = insertIssue(forge, repository, actor, draft);
    tellIssue(forge, { repository, issue, actor }, 'opened');
    return draft.labels ? addLabels(forge, { repository, issue, actor }, draft.labels) : issue;
  });
}

export interface IssueChanges {
  readonly title?: string | undefined;
  readonly body?: string | null | undefined;
  readonly state?: 'open' | 'closed' | undefined;
  readonly stateReason?: IssueRecord['stateReason'] | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly assigneeIds?: readonly number[] | undefined;
}

/** Applies what differs, an event for each kind of change. Serves pull requests too. */
export function changeIssue(forge: Forge, { repository, issue, actor }: IssueAct, changes: IssueChanges): IssueRecord {
  return forge.store.transaction(() => {
    let current = editText(forge, { repository, issue, actor }, changes);
    if (changes.assigneeIds !== undefined) {
      current = forge.store.issues.change(current, { assigneeIds: changes.assigneeIds, updatedAt: now() });
    }
    if (changes.labels !== undefined) current = setLabels(forge, { repository, issue: current, actor }, changes.labels);
    if (changes.state === 'closed' && current.state === 'open') {
      return closeIssue(forge, { repository, issue: current, actor }, changes.stateReason ?? 'completed');
    }
    if (changes.state === 'open' && current.state === 'closed') return reopenIssue(forge, { repository, issue: current, actor });
    return current;
  });
}

function editText(forge: Forge, act: IssueAct, { title, body }: IssueChanges): IssueRecord {
  const { issue } = act;
  const newTitle = title !== undefined && title !== issue.title;
  const newBody = body !== undefined && body !== issue.body;
  if (!newTitle && !newBody) return issue;
  const fields = { ...(newTitle ? { title } : {}), ...(newBody ? { body } : {}), updatedAt: now() };
  const edited = forge.store.issues.change(issue, fields);
  if (newTitle) noteEvent(forge, { ...act, issue: edited }, 'renamed', { rename: { from: issue.title, to: title } });
  const changes = { ...(newTitle ? { title: { from: issue.title } } : {}), ...(newBody ? { body: { from: issue.body ?? '' } } : {}) };
  tellIssue(forge, { ...act, issue: edited }, 'edited', { changes });
  return edited;
}

export function closeIssue(forge: Forge, act: IssueAct, stateReason: IssueRecord['stateReason']): IssueRecord {
  const at = now();
  const issue = forge.store.issues.change(act.issue, {
    state: 'closed',
    stateReason: act.issue.pull ? null : stateReason,
    closedAt: at,
    updatedAt: at,
    closedById: act.actor.id,
  });
  noteEvent(forge, { ...act, issue }, 'closed');
  tellIssue(forge, { ...act, issue }, 'closed');
  return issue;
}

function reopenIssue(forge: Forge, act: IssueAct): IssueRecord {
  const stateReason = act.issue.pull ? null : 'reopened';
  const issue = forge.store.issues.change(act.issue, { state: 'open', stateReason, closedAt: null, updatedAt: now(), closedById: null });
  noteEvent(forge, { ...act, issue }, 'reopened');
  tellIssue(forge, { ...act, issue }, 'reopened');
  return issue;
}

/** Adds to the issue's own history. */
export function noteEvent(
  forge: Forge,
  { repository, issue, actor }: IssueAct,
  event: IssueEventRecord['event'],
  more: Partial<Pick<IssueEventRecord, 'rename' | 'commitSha' | 'assigneeId'>> = {},
): void {
  forge.store.issueEvents.insert(
    { parent: issue.id },
    {
      repositoryId: repository.id,
      issueId: issue.id,
      actorId: actor.id,
      event,
      label: null,
      rename: null,
      assigneeId: null,
      commitSha: null,
      createdAt: now(),
      ...more,
    },
  );
}

/** Publishes `issues` or `pull_request`, whichever it is. */
export function tellIssue(
  forge: Forge,
  { repository, issue, actor }: IssueAct,
  action: string,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const source = { repository, sender: actor };
  if (isPull(issue)) {
    publish(forge, source, 'pull_request', {
      action,
      number: issue.number,
      pull_request: presentPull(forge, repository, issue),
      ...more,
    });
  } else {
    publish(forge, source, 'issues', { action, issue: presentIssue(forge, repository, issue), ...more });
  }
}

export function createComment(forge: Forge, { repository, issue, actor }: IssueAct, body: string): CommentRecord {
  const at = now();
  return forge.store.transaction(() => {
    const comment = forge.store.comments.insert(
      { parent: issue.id },
      { repositoryId: repository.id, issueId: issue.id, userId: actor.id, body, createdAt: at, updatedAt: at },
    );
    const counted = forge.store.issues.change(issue, { commentCount: forge.store.comments.list(issue.id).length, updatedAt: at });
    tellComment(forge, { repository, issue: counted, actor }, 'created', comment);
    return comment;
  });
}

export function changeComment(forge: Forge, act: IssueAct, comment: CommentRecord, body: string): CommentRecord {
  return forge.store.transaction(() => {
    const changed = forge.store.comments.change(comment, { body, updatedAt: now() });
    tellComment(forge, act, 'edited', changed, { changes: { body: { from: comment.body } } });
    return changed;
  });
}

export function deleteComment(forge: Forge, act: IssueAct, comment: CommentRecord): void {
  forge.store.transaction(() => {
    forge.store.comments.remove(comment);
    const commentCount = forge.store.comments.list(act.issue.id).length;
    const issue = forge.store.issues.change(act.issue, { commentCount });
    tellComment(forge, { ...act, issue }, 'deleted', comment);
  });
}

function tellComment(forge: Forge, { repository, issue, actor }: IssueAct, action: string, comment: CommentRecord, more = {}): void {
  publish(forge, { repository, sender: actor }, 'issue_comment', {
    action,
    issue: presentIssue(forge, repository, issue),
    comment: presentComment(forge, repository, issue, comment),
    ...more,
  });
}
