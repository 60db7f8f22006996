import { usageError } from './cli-error.ts';

export interface IssueText {
  readonly title: string;
  readonly body: string;
}

/** The first line is the title, `#`s before it stripped; everything after it is the body, unchanged. */
export function parseIssueFile(text: string): IssueText {
  const content = text.replace(/^\uFEFF/, '');
  const end = content.indexOf('\n');
  const first = end === -1 ? content : content.slice(0, end);
  const title = first.replace(/^\s*#*\s*/, '').trim();
  if (title === '') throw usageError('The first line of the issue file must be the title.');
  return { title, body: end === -1 ? '' : content.slice(end + 1).replace(/^(?:\r?\n)+/, '') };
}
