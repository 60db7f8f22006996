import { z } from 'zod';
import { GithubError, notFound, validationFailed } from '../errors.ts';
import { changeComment, changeIssue, createComment, createIssue, deleteComment, type IssueAct } from '../app/issues.ts';
import { findUser, issueOf, permissionOf } from '../app/permissions.ts';
import { atLeast } from '../present/repositories.ts';
import { presentComment, presentFullIssue, presentIssue, presentIssueEvent, presentReaction } from '../present/issues.ts';
import { now } from '../forge.ts';
import { reactionContents, type CommentRecord, type IssueRecord } from '../store/records.ts';
import { created, noContent, ok, paged, parseBody, signedIn, type Answer, type RepositoryCall, type Route } from './route.ts';

const LabelNames = z.array(z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]));

const NewIssue = z.object({
  title: z.union([z.string(), z.number().transform(String)]).refine((title) => title.trim() !== ''),
  body: z.string().nullish(),
  labels: LabelNames.optional(),
  assignees: z.array(z.string()).optional(),
});

const IssueChanges = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']).optional(),
  state_reason: z.enum(['completed', 'not_planned', 'duplicate', 'reopened']).nullish(),
  labels: LabelNames.optional(),
  assignees: z.array(z.string()).optional(),
});

const NewComment = z.object({ body: z.string().min(1) });
const NewReaction = z.object({ content: z.enum(reactionContents) });

export function issueAct(call: RepositoryCall): IssueAct {
  const issue = issueOf(call.forge, call.repository, Number(call.params['number']));
  return { repository: call.repository, issue, actor: signedIn(call) };
}

function assigneeIds(call: RepositoryCall, logins: readonly string[] | undefined): number[] | undefined {
  return logins?.map((login) => {
    const user = findUser(call.forge.store, login);
    if (!user) throw validationFailed({ resource: 'Issue', field: 'assignees', code: 'invalid' });
    return user.id;
  });
}

/** Labels and assignees of somebody without triage rights are dropped silently, as GitHub does. */
function mayTriage(call: RepositoryCall): boolean {
  return atLeast(permissionOf(call.repository, call.user), 'triage');
}

function create(call: RepositoryCall): Answer {
  const body = parseBody(NewIssue, call.body, 'Issue');
  const triage = mayTriage(call) ? { labels: body.labels, assigneeIds: assigneeIds(call, body.assignees) } : {};
  const issue = createIssue(call.forge, call.repository, signedIn(call), { title: body.title, body: body.body, ...triage });
  const presented = presentFullIssue(call.forge, call.repository, issue);
  return created(presented, presented.url);
}

function change(call: RepositoryCall): Answer {
  const act = issueAct(call);
  const body = parseBody(IssueChanges, call.body, 'Issue');
  const triage = mayTriage(call);
  if (!triage && act.issue.userId !== act.actor.id) throw new GithubError(403, 'Must have triage rights to Repository.');
  const issue = changeIssue(call.forge, act, {
    title: body.title,
    body: body.body,
    state: body.state,
    stateReason: body.state_reason ?? undefined,
    ...(triage ? { labels: body.labels, assigneeIds: assigneeIds(call, body.assignees) } : {}),
  });
  return ok(presentFullIssue(call.forge, call.repository, issue));
}

function list(call: RepositoryCall): Answer {
  const { forge, repository, query } = call;
  const state = query['state'] ?? 'open';
  if (!['open', 'closed', 'all'].includes(state)) throw validationFailed({ resource: 'Issue', field: 'state', code: 'invalid' });
  const labelIds = (query['labels'] ?? '')
    .split(',')
    .filter(Boolean)
    .map((name) => forge.store.labels.find(repository.id, name.toLowerCase())?.id ?? -1);
  const since = query['since'] === undefined ? 0 : Date.parse(query['since']);
  const creator = query['creator'] === undefined ? undefined : (findUser(forge.store, query['creator'])?.id ?? -1);
  const issues = forge.store.issues
    .list(repository.id)
    .filter((issue) => state === 'all' || issue.state === state)
    .filter((issue) => labelIds.every((id) => issue.labelIds.includes(id)))
    .filter((issue) => creator === undefined || issue.userId === creator)
    .filter((issue) => Date.parse(issue.updatedAt) >= since);
  return paged(call, sorted(issues, query), (issue) => presentIssue(forge, repository, issue));
}

function sorted(issues: IssueRecord[], query: Readonly<Record<string, string>>): IssueRecord[] {
  const key = (issue: IssueRecord): string | number =>
    query['sort'] === 'updated' ? issue.updatedAt : query['sort'] === 'comments' ? issue.commentCount : issue.createdAt;
  const ascending = issues.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.number - b.number));
  return query['direction'] === 'asc' ? ascending : ascending.toReversed();
}

function listComments(call: RepositoryCall): Answer {
  const { forge, repository, query } = call;
  const issue = issueOf(forge, repository, Number(call.params['number']));
  const since = query['since'] === undefined ? 0 : Date.parse(query['since']);
  const comments = forge.store.comments.list(issue.id).filter(({ updatedAt }) => Date.parse(updatedAt) >= since);
  return paged(call, comments, (comment) => presentComment(forge, repository, issue, comment));
}

function comment(call: RepositoryCall): Answer {
  const act = issueAct(call);
  const { body } = parseBody(NewComment, call.body, 'IssueComment');
  const presented = presentComment(call.forge, call.repository, act.issue, createComment(call.forge, act, body));
  return created(presented, presented.url);
}

function commentOf({ forge, repository, params }: RepositoryCall): { comment: CommentRecord; issue: IssueRecord } {
  const comment = forge.store.comments.get(Number(params['id']));
  const issue = comment && forge.store.issues.get(comment.issueId);
  if (!comment || !issue || comment.repositoryId !== repository.id) throw notFound();
  return { comment, issue };
}

/** One's own comment, or any with write access. */
function ownComment(call: RepositoryCall) {
  const found = commentOf(call);
  const own = found.comment.userId === signedIn(call).id;
  if (!own && !atLeast(permissionOf(call.repository, call.user), 'write'))
    throw new GithubError(403, 'Must have push access to repository');
  return { ...found, act: { repository: call.repository, issue: found.issue, actor: signedIn(call) } };
}

function editComment(call: RepositoryCall): Answer {
  const { comment, issue, act } = ownComment(call);
  const { body } = parseBody(NewComment, call.body, 'IssueComment');
  return ok(presentComment(call.forge, call.repository, issue, changeComment(call.forge, act, comment, body)));
}

function removeComment(call: RepositoryCall): Answer {
  const { comment, act } = ownComment(call);
  deleteComment(call.forge, act, comment);
  return noContent;
}

function react(call: RepositoryCall, subject: string): Answer {
  const user = signedIn(call);
  const { content } = parseBody(NewReaction, call.body, 'Reaction');
  const name = `${user.id}:${content}`;
  const known = call.forge.store.reactions.find(subject, name);
  if (known) return ok(presentReaction(call.forge, known));
  const reaction = call.forge.store.reactions.insert({ parent: subject, name }, { subject, userId: user.id, content, createdAt: now() });
  return created(presentReaction(call.forge, reaction));
}

function listReactions(call: RepositoryCall, subject: string): Answer {
  const wanted = call.query['content'];
  const reactions = call.forge.store.reactions.list(subject).filter(({ content }) => wanted === undefined || content === wanted);
  return paged(call, reactions, (reaction) => presentReaction(call.forge, reaction));
}

function removeReaction(call: RepositoryCall, subject: string): Answer {
  const reaction = call.forge.store.reactions.get(Number(call.params['reaction']));
  if (!reaction || reaction.subject !== subject || reaction.userId !== signedIn(call).id) throw notFound();
  call.forge.store.reactions.remove(reaction);
  return noContent;
}

const issueSubject = (call: RepositoryCall): string => `issue:${issueOf(call.forge, call.repository, Number(call.params['number'])).id}`;
const commentSubject = (call: RepositoryCall): string => `comment:${commentOf(call).comment.id}`;

function events(call: RepositoryCall): Answer {
  const issue = issueOf(call.forge, call.repository, Number(call.params['number']));
  return paged(call, call.forge.store.issueEvents.list(issue.id), (event) => presentIssueEvent(call.forge, call.repository, event));
}

function timeline(call: RepositoryCall): Answer {
  const { forge, repository } = call;
  const issue = issueOf(forge, repository, Number(call.params['number']));
  const comments = forge.store.comments.list(issue.id).map((comment) => {
    const presented = presentComment(forge, repository, issue, comment);
    return { at: comment.createdAt, body: { event: 'commented', actor: presented.user, ...presented } };
  });
  const events = forge.store.issueEvents
    .list(issue.id)
    .map((event) => ({ at: event.createdAt, body: presentIssueEvent(forge, repository, event) }));
  const all: { at: string; body: object }[] = [...comments, ...events].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return paged(call, all, ({ body }) => body);
}

const issue = '/repos/:owner/:repo/issues/:number';
const one = '/repos/:owner/:repo/issues/comments/:id';

export const issueRoutes: readonly Route[] = [
  { method: 'GET', path: '/repos/:owner/:repo/issues', access: 'read', handle: list },
  { method: 'POST', path: '/repos/:owner/:repo/issues', access: 'comment', handle: create },
  {
    method: 'GET',
    path: issue,
    access: 'read',
    handle: ({ forge, repository, params }) =>
      ok(presentFullIssue(forge, repository, issueOf(forge, repository, Number(params['number'])))),
  },
  { method: 'PATCH', path: issue, access: 'comment', handle: change },
  { method: 'GET', path: `${issue}/comments`, access: 'read', handle: listComments },
  { method: 'POST', path: `${issue}/comments`, access: 'comment', handle: comment },
  {
    method: 'GET',
    path: one,
    access: 'read',
    handle: (call) => {
      const { comment, issue } = commentOf(call);
      return ok(presentComment(call.forge, call.repository, issue, comment));
    },
  },
  { method: 'PATCH', path: one, access: 'comment', handle: editComment },
  { method: 'DELETE', path: one, access: 'comment', handle: removeComment },
  { method: 'GET', path: `${issue}/reactions`, access: 'read', handle: (call) => listReactions(call, issueSubject(call)) },
  { method: 'POST', path: `${issue}/reactions`, access: 'comment', handle: (call) => react(call, issueSubject(call)) },
  { method: 'DELETE', path: `${issue}/reactions/:reaction`, access: 'comment', handle: (call) => removeReaction(call, issueSubject(call)) },
  { method: 'GET', path: `${one}/reactions`, access: 'read', handle: (call) => listReactions(call, commentSubject(call)) },
  { method: 'POST', path: `${one}/reactions`, access: 'comment', handle: (call) => react(call, commentSubject(call)) },
  { method: 'DELETE', path: `${one}/reactions/:reaction`, access: 'comment', handle: (call) => removeReaction(call, commentSubject(call)) },
  { method: 'GET', path: `${issue}/events`, access: 'read', handle: events },
  { method: 'GET', path: `${issue}/timeline`, access: 'read', handle: timeline },
];
