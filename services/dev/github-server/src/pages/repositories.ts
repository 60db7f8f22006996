import type { Commit } from '../git/commits.ts';
import type { RepositoryRecord, UserRecord } from '../store/records.ts';
import { html } from './html.ts';
import { page, type Viewer } from './layout.ts';
import { markdown } from './markdown.ts';
import { base, repositoryHeader, time, type RepositoryView } from './parts.ts';

export function repositoriesPage(repositories: readonly RepositoryRecord[], viewer: Viewer | undefined): string {
  const items = repositories.map(
    (repository) =>
      html`<li>
        <a class="title" href="${base({ repository })}">${repository.owner}/${repository.name}</a>
        <span class="badge">${repository.private ? 'Private' : 'Public'}</span>
        ${repository.description ? html`<p>${repository.description}</p>` : ''}
        <p class="muted">Updated ${time(repository.pushedAt)}</p>
      </li>`,
  );
  const body = html`<h1>Repositories</h1>
    ${
      items.length === 0
        ? html`<p>There is nothing you may see here yet.</p>`
        : html`<ul class="plain box list">
            ${items}
          </ul>`
    }`;
  return page({ title: 'Repositories', body, viewer });
}

export interface RepositoryPage extends RepositoryView {
  readonly cloneUrl: string;
  readonly branches: readonly { readonly name: string; readonly isProtected: boolean; readonly last: Commit }[];
  readonly readme: string | undefined;
}

export function repositoryPage(view: RepositoryPage): string {
  const { repository, branches, readme, cloneUrl } = view;
  const rows = branches.map(
    ({ name, isProtected, last }) =>
      html`<tr>
        <td>
          ${name}${name === repository.defaultBranch ? html` <span class="badge">default</span>` : ''}${
            isProtected ? html` <span class="badge">protected</span>` : ''
          }
        </td>
        <td>
          <a href="${base(view)}/commit/${last.sha}"><code>${last.sha.slice(0, 7)}</code></a> ${last.message.split('\n')[0]}
        </td>
        <td class="muted">${last.author.name}, ${time(last.committer.date)}</td>
      </tr>`,
  );
  const body = html`${repositoryHeader(view, 'code')}
    <h1 class="hidden">${repository.owner}/${repository.name}</h1>
    ${repository.description ? html`<p>${repository.description}</p>` : ''}
    <p>Clone: <code>git clone ${cloneUrl}</code></p>
    <h2>Branches</h2>
    ${
      rows.length === 0
        ? html`<p class="muted">This repository is empty.</p>`
        : html`<div class="box scroll" tabindex="0" role="region" aria-label="Branches">
            <table>
              <thead>
                <tr>
                  <th scope="col">Branch</th>
                  <th scope="col">Last commit</th>
                  <th scope="col">By</th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>`
    }
    ${
      readme === undefined
        ? ''
        : html`<h2>README</h2>
            <article class="box pad prose">${markdown(readme)}</article>`
    }`;
  return page({ title: `${repository.owner}/${repository.name}`, body, viewer: view.viewer });
}

export function signInPage(people: readonly UserRecord[], returnTo: string): string {
  const buttons = people.map(
    (user) => html`<li><button class="primary wide" name="login" value="${user.login}">Sign in as ${user.login}</button></li>`,
  );
  return page({
    title: 'Sign in',
    body: html`<div class="box narrow">
      <h1>Sign in</h1>
      <p>This development server has no passwords. Choose who you are.</p>
      <form method="post" action="/login">
        <input type="hidden" name="return_to" value="${returnTo}" />
        <ul class="plain stack">
          ${buttons}
        </ul>
      </form>
    </div>`,
  });
}
