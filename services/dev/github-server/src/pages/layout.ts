import type { SessionRecord, UserRecord } from '../store/records.ts';
import { html, type Html } from './html.ts';

/** Who looks at the page, when signed in. */
export interface Viewer {
  readonly user: UserRecord;
  readonly session: SessionRecord;
}

export interface Page {
  readonly title: string;
  readonly body: Html;
  readonly viewer?: Viewer | undefined;
}

export function page({ title, body, viewer }: Page): string {
  const account = viewer
    ? html`<form method="post" action="/logout" class="inline">
        ${csrfField(viewer)}<span>${viewer.user.login}</span> <button class="link">Sign out</button>
      </form>`
    : html`<a href="/login">Sign in</a>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Development GitHub</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/assets/site.css" />
      </head>
      <body>
        <header class="site">
          <a class="brand" href="/">Development GitHub</a>
          <span class="badge">not github.com</span>
          <nav aria-label="Account">${account}</nav>
        </header>
        <main>${body}</main>
      </body>
    </html>`.safe;
}

export function csrfField({ session }: Viewer): Html {
  return html`<input type="hidden" name="csrf" value="${session.csrf}" />`;
}
