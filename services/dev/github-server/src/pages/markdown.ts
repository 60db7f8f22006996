import { Marked } from 'marked';
import sanitizeHtml from 'sanitize-html';
import { trusted, type Html } from './html.ts';

const marked = new Marked({ gfm: true, breaks: true });
// A disabled check box without a label says nothing to a screen reader; a character does.
marked.use({ renderer: { checkbox: ({ checked }) => (checked ? '☑ ' : '☐ ') } });

const allowed = {
  allowedTags: `p br hr blockquote ul ol li pre code em strong del a img h3 h4 h5 h6 table thead tbody tr th td details summary kbd
    sub sup`.split(/\s+/),
  allowedAttributes: {
    a: ['href', 'title'],
    img: ['src', 'alt', 'title'],
    pre: ['tabindex'],
    th: ['align'],
    td: ['align'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  disallowedTagsMode: 'discard',
} as const;

/** GitHub's Markdown as harmless HTML: issue text is anybody's. Headings start at h3, below those of the page. */
export function markdown(text: string | null): Html {
  const raw = marked.parse(text ?? '', { async: false });
  const lowered = raw.replaceAll(/<(\/?)h([1-6])/g, (_, slash: string, level: string) => `<${slash}h${Math.min(6, Number(level) + 2)}`);
  const focusable = lowered.replaceAll('<pre>', '<pre tabindex="0">'); // wide code scrolls, also by keyboard
  return trusted(sanitizeHtml(focusable, allowed));
}
