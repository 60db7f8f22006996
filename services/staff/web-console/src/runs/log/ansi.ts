import { visibleText } from '../../ui/visible-text.ts';

/** Terminal colours as class names; the text itself never becomes markup. */
export interface Segment {
  readonly text: string;
  readonly classes: string;
}

const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
const escape = String.fromCharCode(0x1b);
const bell = String.fromCharCode(0x07);
// CSI sequences (group 1: parameters, group 2: final letter), OSC strings, and two-character escapes.
const sequence = new RegExp(
  `${escape}(?:\\[([0-9;:?]*)[ -/]*([@-~])|\\][^${bell}${escape}]*(?:${bell}|${escape}\\\\)?|[@-Z\\\\^_=>()][0-9A-Z]?)`,
  'g',
);

interface Style {
  readonly colour?: string;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
}

function withCode(style: Style, code: number): Style {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 39) return { ...style, colour: '' };
  const base = code >= 90 ? code - 90 : code - 30;
  const colour = code < 100 ? colours[base] : undefined;
  return colour ? { ...style, colour } : style;
}

function withCodes(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = style;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    // 256-colour and true-colour selections are skipped with their arguments: only the theme's colours keep their contrast.
    if (code === 38 || code === 48) at += codes[at + 1] === 5 ? 2 : 4;
    else next = withCode(next, code);
  }
  return next;
}

function classesOf({ colour, bold, dim, italic, underline }: Style): string {
  return [colour && `ansi-${colour}`, bold && 'ansi-bold', dim && 'ansi-dim', italic && 'ansi-italic', underline && 'ansi-underline']
    .filter(Boolean)
    .join(' ');
}

/** A progress bar rewrites its line: what stands last is what a terminal would show. */
function lastDrawn(line: string): string {
  const trimmed = line.endsWith('\r') ? line.slice(0, -1) : line;
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1);
}

export function ansiSegments(raw: string): Segment[] {
  const line = lastDrawn(raw);
  if (!line.includes(escape)) return [{ text: visibleText(line), classes: '' }];
  const segments: Segment[] = [];
  let style: Style = {};
  let from = 0;
  for (const match of line.matchAll(sequence)) {
    push(segments, line.slice(from, match.index), style);
    if (match[2] === 'm') style = withCodes(style, match[1] ?? '');
    from = match.index + match[0].length;
  }
  push(segments, line.slice(from), style);
  return segments.length > 0 ? segments : [{ text: '', classes: '' }];
}

function push(segments: Segment[], text: string, style: Style): void {
  if (text) segments.push({ text: visibleText(text), classes: classesOf(style) });
}

export function plainText(raw: string): string {
  return ansiSegments(raw)
    .map(({ text }) => text)
    .join('');
}

/** Splits segments where `words` occurs, ignoring case; the parts that match carry the class `hit`. */
export function highlight(segments: readonly Segment[], words: string): Segment[] {
  const wanted = words.toLowerCase();
  if (!wanted) return [...segments];
  return segments.flatMap(({ text, classes }) => {
    const lower = text.toLowerCase();
    const parts: Segment[] = [];
    let from = 0;
    for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, from)) {
      if (at > from) parts.push({ text: text.slice(from, at), classes });
      parts.push({ text: text.slice(at, at + wanted.length), classes: `${classes} hit`.trim() });
      from = at + wanted.length;
    }
    if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from), classes });
    return parts;
  });
}
