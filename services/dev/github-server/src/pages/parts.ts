import type { View } from '../forge.ts';
import type { IssueRecord, LabelRecord, RepositoryRecord } from '../store/records.ts';
import { html, type Html } from './html.ts';
import { csrfField, type Viewer } from './layout.ts';

/** What pages of a repository are made from. */
export interface RepositoryView {
  readonly view: View;
  readonly repository: RepositoryRecord;
  readonly viewer: Viewer | undefined;
}

export function loginOf({ store }: View, id: number): string {
  return store.users.get(id)?.login ?? 'ghost';
}

export function base({ repository }: Pick<RepositoryView, 'repository'>): string {
  return `/${repository.owner}/${repository.name}`;
}

export type Tab = 'code' | 'issues' | 'pulls';

export function repositoryHeader(page: RepositoryView, tab: Tab): Html {
  const { repository, view } = page;
  const open = view.store.issues.list(repository.id).filter(({ state }) => state === 'open');
  const tabs: readonly (readonly [Tab, string, string, number | undefined])[] = [
    ['code', 'Code', '', undefined],
    ['issues', 'Issues', '/issues', open.filter(({ pull }) => pull === null).length],
    ['pulls', 'Pull requests', '/pulls', open.filter(({ pull }) => pull !== null).length],
  ];
  const links = tabs.map(
    ([key, text, path, count]) =>
      html`<a href="${base(page)}${path}" ${key === tab ? html`aria-current="page"` : ''}
        >${text}${count === undefined ? '' : html` <span class="count">${count}</span>`}</a
      >`,
  );
  return html`<div class="repository">
    <p class="name">
      <a href="/">${repository.owner}</a> / <a href="${base(page)}"><strong>${repository.name}</strong></a>
      <span class="badge">${repository.private ? 'Private' : 'Public'}</span>
    </p>
    <nav aria-label="Repository" class="tabs">${links}</nav>
  </div>`;
}

export function labelChip(label: Pick<LabelRecord, 'name' | 'color'>): Html {
  return html`<span class="label" style="background:#${label.color};color:${textOn(label.color)}">${label.name}</span>`;
}

/** Black or white, whichever is easier to read on the colour (WCAG relative luminance). */
function textOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
}

export function labelsOf({ store }: View, issue: IssueRecord): LabelRecord[] {
  return issue.labelIds.flatMap((id) => store.labels.get(id) ?? []);
}

export function stateBadge(issue: IssueRecord): Html {
  const merged = issue.pull !== null && issue.pull.mergedAt !== null;
  const state = merged ? 'merged' : issue.state === 'open' && issue.pull?.draft ? 'draft' : issue.state;
  return html`<span class="state ${state}">${state[0]?.toUpperCase()}${state.slice(1)}</span>`;
}

export function time(at: string): Html {
  return html`<time datetime="${at}">${at.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

/** The panel beside an issue: its labels, each removable, and the others to add. */
export function labelPanel(page: RepositoryView, issue: IssueRecord, mayLabel: boolean): Html {
  const own = labelsOf(page.view, issue);
  const others = page.view.store.labels.list(page.repository.id).filter(({ id }) => !issue.labelIds.includes(id));
  const { viewer } = page;
  const action = `${base(page)}/issues/${issue.number}/labels`;
  const chips = own.map(
    (label) =>
      html`<li>
        ${labelChip(label)}${
          mayLabel && viewer
            ? html`<form method="post" action="${action}" class="inline">
                ${csrfField(viewer)}<button class="link" name="remove" value="${label.name}" aria-label="Remove label ${label.name}">
                  ×
                </button>
              </form>`
            : ''
        }
      </li>`,
  );
  const adder =
    mayLabel && viewer && others.length > 0
      ? html`<form method="post" action="${action}" class="row">
          ${csrfField(viewer)}<label class="hidden" for="add-label">Label to add</label>
          <select id="add-label" name="add">
            ${others.map(({ name }) => html`<option>${name}</option>`)}
          </select>
          <button>Add label</button>
        </form>`
      : '';
  return html`<section aria-labelledby="labels-heading">
    <h2 id="labels-heading">Labels</h2>
    ${
      own.length === 0
        ? html`<p class="muted">None yet</p>`
        : html`<ul class="plain chips">
            ${chips}
          </ul>`
    }${adder}
  </section>`;
}
