import type { Commit } from '../git/commits.ts';
import type { ChangedFile } from '../git/diffs.ts';
import type { PullRecord } from '../store/records.ts';
import { fileDiffs } from './diff.ts';
import { html, type Html } from './html.ts';
import { commentForm, conversation, issueTitle, type IssuePage } from './issues.ts';
import { csrfField, page } from './layout.ts';
import { base, labelPanel, repositoryHeader, time, type RepositoryView } from './parts.ts';

export interface PullPage extends IssuePage {
  readonly issue: PullRecord;
  readonly tab: 'conversation' | 'commits' | 'files';
  readonly commits: readonly Commit[];
  readonly files: readonly ChangedFile[];
  readonly mergeable: boolean | null;
  readonly mayMerge: boolean;
}

export function pullPage(view: PullPage): string {
  const { issue, tab } = view;
  const url = `${base(view)}/pull/${issue.number}`;
  const tabs = [
    ['conversation', 'Conversation', url, issue.commentCount],
    ['commits', 'Commits', `${url}/commits`, issue.pull.commits],
    ['files', 'Files changed', `${url}/files`, issue.pull.changedFiles],
  ] as const;
  const body = html`${repositoryHeader(view, 'pulls')} ${issueTitle(view, issue)}
    <nav class="tabs" aria-label="Pull request">
      ${tabs.map(
        ([key, text, href, count]) =>
          html`<a href="${href}" ${key === tab ? html`aria-current="page"` : ''}>${text} <span class="count">${count}</span></a>`,
      )}
    </nav>
    ${contentOf(view)}`;
  return page({ title: `${issue.title} · Pull request #${issue.number}`, body, viewer: view.viewer });
}

function contentOf(view: PullPage): Html {
  switch (view.tab) {
    case 'commits':
      return commitList(view);
    case 'files':
      return html`<p>
          ${counted(view.files.length, 'changed file')} with <span class="plus">${counted(view.issue.pull.additions, 'addition')}</span> and
          <span class="minus">${counted(view.issue.pull.deletions, 'deletion')}</span>.
        </p>
        ${fileDiffs(view.view, view.files, view.view.store.reviewComments.list(view.issue.id))} ${reviewForm(view)}`;
    case 'conversation':
      return html`<div class="columns">
        <div class="stack">${conversation(view, view.issue)} ${mergeBox(view)} ${reviewForm(view)} ${commentForm(view)}</div>
        <aside aria-label="About this pull request">${labelPanel(view, view.issue, view.mayLabel)}</aside>
      </div>`;
  }
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function commitList(view: PullPage): Html {
  const rows = view.commits.map(
    (commit) =>
      html`<li>
        <a class="title" href="${base(view)}/commit/${commit.sha}">${commit.message.split('\n')[0]}</a>
        <p class="muted"><code>${commit.sha.slice(0, 7)}</code> ${commit.author.name}, ${time(commit.author.date)}</p>
      </li>`,
  );
  return html`<h2 class="hidden">Commits</h2>
    <ol class="plain box list">
      ${rows}
    </ol>`;
}

/** Only what the viewer may do: nobody approves their own work. */
function reviewForm(view: PullPage): Html {
  const { viewer, issue } = view;
  if (!viewer || issue.state === 'closed') return html``;
  const own = viewer.user.id === issue.userId;
  const choices = [
    ['COMMENT', 'Comment'],
    ...(own
      ? []
      : [
          ['APPROVE', 'Approve'],
          ['REQUEST_CHANGES', 'Request changes'],
        ]),
  ];
  return html`<form method="post" action="${base(view)}/pull/${issue.number}/reviews" class="box pad stack">
    <h2>Review changes</h2>
    ${csrfField(viewer)}
    <label for="review">Your review, in Markdown</label>
    <textarea id="review" name="body" rows="3"></textarea>
    <fieldset class="row">
      <legend class="hidden">Verdict</legend>
      ${choices.map(
        ([value, text], index) =>
          html`<label><input type="radio" name="event" value="${value}" ${index === 0 ? html`checked` : ''} /> ${text}</label>`,
      )}
    </fieldset>
    ${own ? html`<p class="muted">Authors cannot approve or request changes on their own pull request.</p>` : ''}
    <div class="row end"><button class="primary">Submit review</button></div>
  </form>`;
}

function mergeBox(view: PullPage): Html {
  const { issue, viewer, mergeable, mayMerge } = view;
  if (issue.pull.mergedAt !== null) {
    const sha = issue.pull.mergeCommitSha ?? '';
    return html`<p class="box pad">
      Merged as <a href="${base(view)}/commit/${sha}"><code>${sha.slice(0, 7)}</code></a
      >.
    </p>`;
  }
  if (issue.state === 'closed') return html``;
  const text = mergeable
    ? 'This branch has no conflicts with the base branch.'
    : html`This branch has conflicts with <code>${issue.pull.baseRef}</code> that must be resolved.`;
  const buttons =
    viewer && mayMerge && mergeable
      ? html`<form method="post" action="${base(view)}/pull/${issue.number}/merge" class="row">
          ${csrfField(viewer)}
          <button class="go" name="method" value="merge">Merge pull request</button>
          <button name="method" value="squash">Squash and merge</button>
        </form>`
      : '';
  return html`<section class="box pad stack" aria-label="Merge">
    <p>${text}</p>
    ${buttons}
  </section>`;
}

export interface CommitPage extends RepositoryView {
  readonly commit: Commit;
  readonly files: readonly ChangedFile[];
}

export function commitPage(view: CommitPage): string {
  const [subject = '', ...rest] = view.commit.message.split('\n');
  const body = html`${repositoryHeader(view, 'code')}
    <h1>${subject}</h1>
    ${rest.join('\n').trim() ? html`<pre class="box pad" tabindex="0">${rest.join('\n').trim()}</pre>` : ''}
    <p class="muted">${view.commit.author.name}, ${time(view.commit.author.date)}, <code>${view.commit.sha}</code></p>
    ${fileDiffs(view.view, view.files, [])}`;
  return page({ title: subject, body, viewer: view.viewer });
}
