import { createHash } from 'node:crypto';
import { quoted } from './shell-text.ts';

/** An issue as the prompt holds it: `# title` on the first line, then the body. */
export function issueOf(text: string): { title: string; body: string } {
  const [first = '', ...others] = text.split('\n');
  const heading = /^#\s+(.*\S)\s*$/.exec(first)?.[1];
  if (heading === undefined) return { title: first.trim() === '' ? 'Untitled issue' : first.trim().slice(0, 200), body: text };
  return { title: heading.slice(0, 200), body: others.join('\n').replace(/^\s*\n/, '') };
}

/** The file for an issue that names no file: its own text, so that something real is delivered. */
export function noteOf(issueNumber: number | undefined, title: string, body: string): { path: string; content: string } {
  const slug = title
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 50);
  const text = body.replaceAll('\r\n', '\n').trim();
  return {
    path: `notes/issue-${issueNumber ?? 0}${slug === '' ? '' : `-${slug}`}.md`,
    content: `# ${title}\n\n${text === '' ? 'No description was given.' : text}\n`,
  };
}

/** Appends feedback to the note once, however often the command runs. */
export function addressedItemCommand(path: string, feedback: string): string {
  const text = feedback.trim() === '' ? 'The changes were requested without a comment.' : feedback.trim();
  const mark = `<!-- feedback ${createHash('sha256').update(text).digest('hex').slice(0, 12)} -->`;
  const entry = `\n## Addressed\n\n${mark}\n${text}\n`;
  const file = quoted(path);
  return `mkdir -p notes && touch ${file} && if ! grep -qF ${quoted(mark)} ${file}; then printf %s ${quoted(entry)} >> ${file}; fi`;
}
