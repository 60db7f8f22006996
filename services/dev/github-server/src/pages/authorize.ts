import type { UserRecord } from '../store/records.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

export interface AuthorizePage {
  readonly people: readonly UserRecord[];
  readonly hinted: UserRecord | undefined;
  readonly clientId: string;
  readonly query: Readonly<Record<string, string>>;
}

/** One button per person; the hinted one first. */
export function authorizePage({ people, hinted, clientId, query }: AuthorizePage): string {
  const ordered = hinted ? [hinted, ...people.filter(({ id }) => id !== hinted.id)] : people;
  const action = `/login/oauth/authorize?${new URLSearchParams(query).toString()}`;
  const buttons = ordered.map(
    (user) => html`<li><button class="primary wide" name="login" value="${user.login}">Sign in as ${user.login}</button></li>`,
  );
  return page({
    title: 'Authorize application',
    body: html`<div class="box narrow">
      <h1>Authorize ${clientId}</h1>
      <p>This development server has no passwords. Choose who you are.</p>
      <form method="post" action="${action}">
        <ul class="plain stack">
          ${buttons}
        </ul>
      </form>
    </div>`,
  });
}

export function messagePage(title: string, text: string): string {
  return page({
    title,
    body: html`<div class="box narrow">
      <h1>${title}</h1>
      <p>${text}</p>
      <p><a href="/">Go to the list of repositories</a></p>
    </div>`,
  });
}
