import { fencedBlocks, type FencedBlock } from './fenced-blocks.ts';

/** What an issue or a review tells the scripted model to do: one step for each fenced block it understands, in order. */
export type Step =
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  | { readonly kind: 'sh'; readonly script: string }
  | { readonly kind: 'sleep'; readonly seconds: number }
  | { readonly kind: 'hang'; readonly where: 'tool' | 'model' }
  | { readonly kind: 'ask'; readonly question: string; readonly options: readonly string[] }
  | { readonly kind: 'fail'; readonly mode: FailMode; readonly status: number; readonly reason: string };

const failModes = ['give-up', 'crash', 'no-report', 'invalid-report', 'model'] as const;
export type FailMode = (typeof failModes)[number];

export function stepsOf(markdown: string): Step[] {
  return fencedBlocks(markdown).flatMap((block) => stepOf(block) ?? []);
}

/** Undefined: a block that is no instruction, such as an example in another language. */
function stepOf({ info, content }: FencedBlock): Step | undefined {
  const [word = '', ...others] = info.split(/\s+/);
  const rest = info.slice(word.length).trim();
  switch (word) {
    case 'file': {
      const path = pathOf(rest);
      return path === undefined ? undefined : { kind: 'file', path, content };
    }
    case 'sh':
      return { kind: 'sh', script: content };
    case 'sleep': {
      const seconds = Number(others[0]);
      return Number.isFinite(seconds) && seconds >= 0 && seconds <= 86_400 ? { kind: 'sleep', seconds } : undefined;
    }
    case 'hang':
      return { kind: 'hang', where: rest === 'model' ? 'model' : 'tool' };
    case 'ask':
      return question(rest, content);
    case 'fail':
      return failure(others, content);
    default:
      return undefined;
  }
}

/** `path="a b.txt"`, `path='a b.txt'`, or `path=a b.txt` up to the next attribute or the end of the line. */
function pathOf(attributes: string): string | undefined {
  const match = /(?:^|\s)path=(?:"([^"]+)"|'([^']+)'|(.+?)(?=\s+\w+=|$))/.exec(attributes);
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

function question(inline: string, content: string): Step {
  const lines = content.split('\n');
  const options = lines.flatMap((line) => /^\s*options:(.*)$/i.exec(line)?.[1]?.split('|') ?? []).map((option) => option.trim());
  const text = lines
    .filter((line) => !/^\s*options:/i.test(line))
    .join('\n')
    .trim();
  const distinct = [...new Set(options.filter((option) => option !== ''))].slice(0, 5);
  const asked = [inline, text].filter((part) => part !== '').join('\n');
  return { kind: 'ask', question: asked === '' ? 'How shall I go on?' : asked, options: distinct.length >= 2 ? distinct : ['Yes', 'No'] };
}

function failure([word = 'give-up', status]: readonly string[], content: string): Step {
  const mode = failModes.find((known) => known === word) ?? 'give-up';
  const code = Number(status);
  return {
    kind: 'fail',
    mode,
    status: Number.isInteger(code) && code >= 400 && code <= 599 ? code : 500,
    reason: content.trim() === '' ? 'I cannot do this task.' : content.trim(),
  };
}

/** Can the file be written without leaving the repository or touching git's own data? */
export function isInsideRepository(path: string): boolean {
  const parts = path.split('/');
  return !path.startsWith('/') && !path.endsWith('/') && path !== '' && !parts.includes('..') && parts[0] !== '.git';
}
