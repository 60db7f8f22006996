/**
 * The fenced code blocks of a Markdown text, with exact content (CommonMark 0.31 §4.5, §5.1, §5.2).
 * A parser made for rendering was rejected: it turns tabs inside list items into spaces, and a file must arrive byte for byte.
 * Blocks inside quotes and list items, indented fences and unclosed fences are understood; HTML comments hide what they contain.
 */
export interface FencedBlock {
  /** The rest of the opening line, trimmed. */
  readonly info: string;
  /** Content lines, each ended by `\n`; empty for an empty block. */
  readonly content: string;
}

type Container = { readonly kind: 'quote' } | { readonly kind: 'item'; readonly indent: number };

interface Line {
  /** What is left of the line after the containers' markers. */
  readonly rest: string;
  /** Column of the first character of `rest`; tab stops are 4 columns. */
  readonly column: number;
}

interface OpenFence {
  readonly mark: string;
  readonly indent: number;
  readonly info: string;
  readonly lines: string[];
}

/** Which line ends a stretch of raw HTML; inside it nothing is Markdown. */
const rawHtml: readonly (readonly [start: RegExp, end: RegExp])[] = [
  [/^<(?:pre|script|style|textarea)(?:[\s>]|$)/i, /<\/(?:pre|script|style|textarea)>/i],
  [/^<!--/, /-->/],
  [
    /^<\/?(?:address|article|aside|blockquote|body|center|details|dialog|div|dl|dd|dt|fieldset|figure|footer|form|h[1-6]|header|hr|html|li|main|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|tr|ul)(?:[\s/>]|$)/i,
    /^\s*$/,
  ],
];

export function fencedBlocks(markdown: string): FencedBlock[] {
  const lines = markdown.replaceAll('\0', '\uFFFD').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const blocks: FencedBlock[] = [];
  let containers: Container[] = [];
  let fence: OpenFence | undefined;
  let html: RegExp | undefined;
  let inParagraph = false;

  const close = (): void => {
    if (fence) blocks.push({ info: fence.info, content: fence.lines.map((line) => `${line}\n`).join('') });
    fence = undefined;
  };

  for (const text of lines) {
    const entered = enter(containers, { rest: text, column: 0 });
    let line = entered.line;
    if (entered.depth < containers.length) {
      if (fence === undefined && html === undefined && inParagraph && isLazy(line.rest)) continue;
      close();
      html = undefined;
      containers = containers.slice(0, entered.depth);
      inParagraph = false;
    }
    if (fence) {
      if (closes(fence, line)) close();
      else fence.lines.push(dropIndent(line, fence.indent).rest);
      continue;
    }
    if (html) {
      if (html.test(line.rest)) html = undefined;
      continue;
    }
    for (let next = openContainer(line, inParagraph); next; next = openContainer(line, inParagraph)) {
      containers = [...containers, next.container];
      line = next.line;
      inParagraph = false;
    }
    const indent = indentOf(line);
    const trimmed = line.rest.trimStart();
    if (indent > 3) continue; // an indented block, or a paragraph that goes on
    fence = opened(trimmed, indent);
    html = fence ? undefined : rawHtmlEnd(trimmed);
    inParagraph = fence === undefined && html === undefined && trimmed !== '' && !isSingleLineBlock(trimmed);
  }
  close();
  return blocks;
}

function enter(containers: readonly Container[], start: Line): { line: Line; depth: number } {
  let line = start;
  let depth = 0;
  for (const container of containers) {
    const indent = indentOf(line);
    const isBlank = line.rest.trim() === '';
    if (container.kind === 'item') {
      if (!isBlank && indent < container.indent) break;
      line = isBlank ? dropIndent(line, Math.min(indent, container.indent)) : dropIndent(line, container.indent);
    } else {
      if (indent > 3 || !line.rest.trimStart().startsWith('>')) break;
      line = afterQuoteMark(line, indent);
    }
    depth += 1;
  }
  return { line, depth };
}

function openContainer(line: Line, inParagraph: boolean): { container: Container; line: Line } | undefined {
  const indent = indentOf(line);
  if (indent > 3) return undefined;
  const body = dropIndent(line, indent);
  if (body.rest.startsWith('>')) return { container: { kind: 'quote' }, line: afterQuoteMark(line, indent) };
  if (/^(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/.test(body.rest)) return undefined; // a thematic break
  const mark = /^(?:[-+*]|(\d{1,9})[.)])(?=[ \t]|$)/.exec(body.rest);
  if (!mark) return undefined;
  const after: Line = { rest: body.rest.slice(mark[0].length), column: body.column + mark[0].length };
  const isEmpty = after.rest.trim() === '';
  if (inParagraph && (isEmpty || (mark[1] !== undefined && Number(mark[1]) !== 1))) return undefined;
  const gap = indentOf(after);
  const padding = isEmpty || gap > 4 ? 1 : gap;
  const item: Container = { kind: 'item', indent: indent + mark[0].length + padding };
  return { container: item, line: isEmpty ? { rest: '', column: 0 } : dropIndent(after, padding) };
}

function opened(trimmed: string, indent: number): OpenFence | undefined {
  const match = /^(`{3,}|~{3,})(.*)$/.exec(trimmed);
  if (!match?.[1] || (match[1].startsWith('`') && match[2]?.includes('`'))) return undefined;
  return { mark: match[1], indent, info: (match[2] ?? '').trim(), lines: [] };
}

function closes({ mark }: OpenFence, line: Line): boolean {
  if (indentOf(line) > 3) return false;
  const text = line.rest.trim();
  return text.length >= mark.length && text === (mark[0] ?? '').repeat(text.length);
}

function rawHtmlEnd(trimmed: string): RegExp | undefined {
  for (const [start, end] of rawHtml) {
    if (start.test(trimmed)) return end.test(trimmed) ? undefined : end;
  }
  return undefined;
}

/** Text that goes on with a paragraph although its containers' markers are missing. */
function isLazy(rest: string): boolean {
  const trimmed = rest.trimStart();
  if (trimmed === '' || isSingleLineBlock(trimmed)) return false;
  return !/^(?:>|[-+*][ \t]|1[.)][ \t]|`{3,}[^`]*$|~{3,})/.test(trimmed) && !rawHtml.some(([start]) => start.test(trimmed));
}

function isSingleLineBlock(trimmed: string): boolean {
  return /^(?:#{1,6}(?:[ \t]|$)|(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$)/.test(trimmed);
}

function afterQuoteMark(line: Line, indent: number): Line {
  const body = dropIndent(line, indent);
  const after: Line = { rest: body.rest.slice(1), column: body.column + 1 };
  return indentOf(after) > 0 ? dropIndent(after, 1) : after;
}

/** Columns of white space a line begins with. */
function indentOf({ rest, column }: Line): number {
  let at = column;
  for (const char of rest) {
    if (char === ' ') at += 1;
    else if (char === '\t') at += 4 - (at % 4);
    else break;
  }
  return at - column;
}

/** Takes up to `columns` columns of white space away; a tab that is cut in the middle leaves spaces. */
function dropIndent({ rest, column }: Line, columns: number): Line {
  let at = column;
  let index = 0;
  while (at - column < columns && (rest[index] === ' ' || rest[index] === '\t')) {
    at += rest[index] === ' ' ? 1 : 4 - (at % 4);
    index += 1;
  }
  const over = Math.max(0, at - column - columns);
  return { rest: ' '.repeat(over) + rest.slice(index), column: at - over };
}
