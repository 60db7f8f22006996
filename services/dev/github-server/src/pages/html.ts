/** Text made safe for HTML; only `html` and `trusted` make one. */
export interface Html {
  readonly safe: string;
}

export type Part = Html | string | number | undefined | null | false | readonly Part[];

/** A template whose values are escaped unless they are Html themselves. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { safe: strings.reduce((text, part, index) => text + render(values[index - 1]) + part) };
}

/** HTML from a source that has made it safe already. */
export function trusted(safe: string): Html {
  return { safe };
}

function render(part: Part): string {
  if (part === undefined || part === null || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  if ('safe' in part) return part.safe;
  return part.map(render).join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => entities[letter] ?? letter);
}
