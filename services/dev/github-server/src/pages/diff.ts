import type { View } from '../forge.ts';
import type { ChangedFile } from '../git/diffs.ts';
import type { ReviewCommentRecord } from '../store/records.ts';
import { html, type Html } from './html.ts';
import { markdown } from './markdown.ts';
import { loginOf } from './parts.ts';

/** Files one below the other, review comments under the lines they are about. */
export function fileDiffs(view: View, files: readonly ChangedFile[], comments: readonly ReviewCommentRecord[]): Html {
  const parts = files.map((file, index) => {
    const own = comments.filter(({ path }) => path === file.path);
    const name = file.previousPath === undefined ? file.path : `${file.previousPath} → ${file.path}`;
    return html`<section class="box file" aria-labelledby="file-${index}">
      <h2 id="file-${index}" class="head">
        <code>${name}</code> <span class="muted">${file.status}</span> <span class="plus">+${file.additions}</span>
        <span class="minus">−${file.deletions}</span>
      </h2>
      ${
        file.patch === undefined
          ? html`<p class="pad muted">No text to show.</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Changes of ${file.path}">
              <table class="diff">
                <thead class="hidden">
                  <tr>
                    <th scope="col">Old line</th>
                    <th scope="col">New line</th>
                    <th scope="col">Text</th>
                  </tr>
                </thead>
                <tbody>
                  ${patchRows(view, file.patch, own)}
                </tbody>
              </table>
            </div>`
      }
    </section>`;
  });
  return html`<div class="stack">${parts}</div>`;
}

const kinds: Readonly<Record<string, string>> = { '+': 'added', '-': 'removed', '@': 'hunk', '\\': 'note' };

function patchRows(view: View, patch: string, comments: readonly ReviewCommentRecord[]): Html[] {
  let oldLine = 0;
  let newLine = 0;
  return patch.split('\n').flatMap((text) => {
    const kind = kinds[text.charAt(0)] ?? 'same';
    const header = /^@@ -(\d+)(?:,\d+)? [+](\d+)/.exec(text);
    if (header) {
      oldLine = Number(header[1]);
      newLine = Number(header[2]);
      return [
        html`<tr class="hunk">
          <td></td>
          <td></td>
          <td>${text}</td>
        </tr>`,
      ];
    }
    const before = kind === 'removed' || kind === 'same' ? oldLine++ : undefined;
    const after = kind === 'added' || kind === 'same' ? newLine++ : undefined;
    const row = html`<tr class="${kind}">
      <td>${before}</td>
      <td>${after}</td>
      <td>${text}</td>
    </tr>`;
    const here = comments.filter(({ side, line }) => line !== null && line === (side === 'LEFT' ? before : after));
    return [row, ...here.map((comment) => commentRow(view, comment))];
  });
}

function commentRow(view: View, comment: ReviewCommentRecord): Html {
  return html`<tr class="said">
    <td></td>
    <td></td>
    <td>
      <div class="box pad" id="discussion_r${comment.id}">
        <p><strong>${loginOf(view, comment.userId)}</strong></p>
        <div class="prose">${markdown(comment.body)}</div>
      </div>
    </td>
  </tr>`;
}
