import type { IssueRecord } from '../store/records.ts';
import { html, type Html } from './html.ts';
import { csrfField, page } from './layout.ts';
import { markdown } from './markdown.ts';
import { base, labelChip, labelPanel, labelsOf, loginOf, repositoryHeader, stateBadge, time, type RepositoryView } from './parts.ts';

export interface IssuesPage extends RepositoryView {
  readonly kind: 'issues' | 'pulls';
  readonly state: 'open' | 'closed';
  readonly issues: readonly IssueRecord[];
}

export function issuesPage(view: IssuesPage): string {
  const { kind, state, issues, viewer } = view;
  const what = kind === 'issues' ? 'issues' : 'pull requests';
  const rows = issues.map(
    (issue) =>
      html`<li>
        ${stateBadge(issue)}
        <a class="title" href="${base(view)}/${kind === 'issues' ? 'issues' : 'pull'}/${issue.number}">${issue.title}</a>
        ${labelsOf(view.view, issue).map(labelChip)}
        <p class="muted">
          #${issue.number} by ${loginOf(view.view, issue.userId)}, ${time(issue.createdAt)} · ${issue.commentCount}
          ${issue.commentCount === 1 ? 'comment' : 'comments'}
        </p>
      </li>`,
  );
  const body = html`${repositoryHeader(view, kind)}
    <div class="row spread">
      <h1>${kind === 'issues' ? 'Issues' : 'Pull requests'}</h1>
      ${kind === 'issues' && viewer ? html`<a class="button primary" href="${base(view)}/issues/new">New issue</a>` : ''}
    </div>
    <p class="row">
      ${(['open', 'closed'] as const).map(
        (value) =>
          html`<a href="${base(view)}/${kind}?state=${value}" ${value === state ? html`aria-current="true"` : ''}
            >${value === 'open' ? 'Open' : 'Closed'}</a
          >`,
      )}
    </p>
    ${
      rows.length === 0
        ? html`<p class="box pad muted">There are no ${state} ${what}.</p>`
        : html`<ul class="plain box list">
            ${rows}
          </ul>`
    }`;
  return page({ title: kind === 'issues' ? 'Issues' : 'Pull requests', body, viewer });
}

export function newIssuePage(view: RepositoryView): string {
  const { viewer } = view;
  const body = html`${repositoryHeader(view, 'issues')}
    <h1>New issue</h1>
    <form method="post" action="${base(view)}/issues" class="stack">
      ${viewer ? csrfField(viewer) : ''}
      <label for="title">Title</label>
      <input id="title" name="title" required maxlength="256" />
      <label for="body">Description, in Markdown</label>
      <textarea id="body" name="body" rows="10"></textarea>
      <div><button class="primary">Create issue</button></div>
    </form>`;
  return page({ title: 'New issue', body, viewer });
}

export interface IssuePage extends RepositoryView {
  readonly issue: IssueRecord;
  readonly mayLabel: boolean;
  readonly mayClose: boolean;
}

export function issuePage(view: IssuePage): string {
  const { issue } = view;
  const body = html`${repositoryHeader(view, 'issues')} ${issueTitle(view, issue)}
    <div class="columns">
      <div class="stack">${conversation(view, issue)} ${commentForm(view)}</div>
      <aside aria-label="About this issue">${labelPanel(view, issue, view.mayLabel)}</aside>
    </div>`;
  return page({ title: `${issue.title} · #${issue.number}`, body, viewer: view.viewer });
}

export function issueTitle({ view }: RepositoryView, issue: IssueRecord): Html {
  const pull = issue.pull;
  return html`<h1>${issue.title} <span class="muted">#${issue.number}</span></h1>
    <p>
      ${stateBadge(issue)} <strong>${loginOf(view, issue.userId)}</strong>
      ${pull ? html`wants to merge <code>${pull.headRef}</code> into <code>${pull.baseRef}</code>,` : 'opened this'}
      ${time(issue.createdAt)}
    </p>`;
}

/** The body, then comments, reviews and label events in the order they happened. */
export function conversation(page: RepositoryView, issue: IssueRecord): Html {
  const { view } = page;
  const { store } = view;
  const entries = [
    ...store.comments.list(issue.id).map((comment) => ({
      at: comment.createdAt,
      body: bubble(view, { userId: comment.userId, at: comment.createdAt, text: comment.body, anchor: `issuecomment-${comment.id}` }),
    })),
    ...store.issueEvents.list(issue.id).map((event) => ({
      at: event.createdAt,
      body: html`<li class="event">
        <strong>${loginOf(view, event.actorId)}</strong> ${eventText[event.event]}
        ${event.label ? labelChip(event.label) : event.rename ? html`<em>${event.rename.from}</em> to <em>${event.rename.to}</em>` : ''}
        <span class="muted">${time(event.createdAt)}</span>
      </li>`,
    })),
    ...store.reviews
      .list(issue.id)
      .filter(({ state }) => state !== 'PENDING')
      .map((review) => ({ at: review.submittedAt ?? '', body: reviewEntry(page, issue, review.id) })),
  ].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const first = bubble(view, { userId: issue.userId, at: issue.createdAt, text: issue.body, anchor: 'body' });
  return html`<ol class="plain timeline" aria-label="Conversation">
    ${[first, ...entries.map(({ body }) => body)]}
  </ol>`;
}

const eventText = {
  labeled: 'added the label',
  unlabeled: 'removed the label',
  closed: 'closed this',
  reopened: 'reopened this',
  renamed: 'changed the title from',
  merged: 'merged this',
  assigned: 'changed the assignees',
  unassigned: 'changed the assignees',
  review_requested: 'requested a review',
} as const;

interface Bubble {
  readonly userId: number;
  readonly at: string;
  readonly text: string | null;
  readonly anchor: string;
}

function bubble(view: RepositoryView['view'], { userId, at, text, anchor }: Bubble): Html {
  return html`<li class="box comment" id="${anchor}">
    <p class="head"><strong>${loginOf(view, userId)}</strong> <span class="muted">${time(at)}</span></p>
    <div class="pad prose">${text ? markdown(text) : html`<p class="muted">No description provided.</p>`}</div>
  </li>`;
}

const verdicts = {
  APPROVED: 'approved these changes',
  CHANGES_REQUESTED: 'requested changes',
  COMMENTED: 'reviewed',
  DISMISSED: 'had a review that was dismissed',
  PENDING: '',
} as const;

function reviewEntry({ view }: RepositoryView, issue: IssueRecord, reviewId: number): Html {
  const review = view.store.reviews.get(reviewId);
  if (!review) return html``;
  const comments = view.store.reviewComments.list(issue.id).filter((comment) => comment.reviewId === reviewId);
  return html`<li class="box comment" id="pullrequestreview-${review.id}">
    <p class="head">
      <strong>${loginOf(view, review.userId)}</strong> <span class="verdict ${review.state.toLowerCase()}">${verdicts[review.state]}</span>
      <span class="muted">${time(review.submittedAt ?? '')}</span>
    </p>
    ${review.body ? html`<div class="pad prose">${markdown(review.body)}</div>` : ''}
    ${comments.map(
      (comment) =>
        html`<div class="pad inline-comment">
          <p class="muted"><code>${comment.path}${comment.line === null ? '' : `:${comment.line}`}</code></p>
          <div class="prose">${markdown(comment.body)}</div>
        </div>`,
    )}
  </li>`;
}

export function commentForm(view: IssuePage): Html {
  const { issue, viewer, mayClose } = view;
  if (!viewer) return html`<p class="box pad"><a href="/login?return_to=${base(view)}/issues/${issue.number}">Sign in</a> to comment.</p>`;
  const merged = issue.pull !== null && issue.pull.mergedAt !== null;
  const toggle = issue.state === 'open' ? ['close', 'Close'] : ['reopen', 'Reopen'];
  return html`<form method="post" action="${base(view)}/issues/${issue.number}/comments" class="stack">
    ${csrfField(viewer)}
    <label for="comment">Add a comment</label>
    <textarea id="comment" name="body" rows="4"></textarea>
    <div class="row end">
      ${mayClose && !merged ? html`<button name="action" value="${toggle[0]}">${toggle[1]}</button>` : ''}
      <button class="primary" name="action" value="comment">Comment</button>
    </div>
  </form>`;
}
