import { z } from 'zod';

/** The parts of a Responses API request that the script reads; everything else is accepted and ignored. */
const Part = z.looseObject({ type: z.string().optional(), text: z.string().optional() });
const Content = z.union([z.string(), z.array(Part)]);

const Item = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.unknown().optional(),
  call_id: z.string().optional(),
  output: z.unknown().optional(),
});
export type Item = z.infer<typeof Item>;

interface OfferedTool {
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly parameters?: unknown;
  readonly tools?: readonly OfferedTool[] | undefined;
}

const Tool: z.ZodType<OfferedTool> = z.looseObject({
  type: z.string().optional(),
  name: z.string().optional(),
  parameters: z.unknown().optional(),
  get tools() {
    return z.array(Tool).optional();
  },
});
export type Tool = z.infer<typeof Tool>;

export const ResponsesRequest = z.looseObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(Item)]),
  instructions: z.string().nullish(),
  tools: z.array(Tool).nullish(),
  stream: z.boolean().nullish(),
});
export type ResponsesRequest = z.infer<typeof ResponsesRequest>;

/** What happened since the task was set, in order. */
export type Happening = { readonly kind: 'output'; readonly text: string } | { readonly kind: 'said'; readonly text: string };

export interface Conversation {
  /** The text of the user message that set the task, or of the last user message when none did. */
  readonly prompt: string;
  readonly happenings: readonly Happening[];
}

const taskLine = /^Task: (?:work|revise|review)[ \t]*$/m;

/** The part of a prompt that the platform wrote, before any fenced text of others. */
export function headOf(prompt: string): string {
  return prompt.split('<untrusted-', 1)[0] ?? '';
}

/** The conversation since the last message that sets a task. Wrappers which clients add (`<environment_context>` …) are left out. */
export function conversationOf(input: ResponsesRequest['input']): Conversation {
  const items: readonly Item[] = typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : input;
  const said = items.map((item) => (item.role === 'user' ? textOf(item.content) : undefined));
  const isOwn = (text: string | undefined): boolean => text !== undefined && !/^\s*<[a-z_-]+>/i.test(text);
  const task = said.findLastIndex((text) => text !== undefined && taskLine.test(headOf(text)));
  const start = task >= 0 ? task : said.findLastIndex(isOwn);
  const happenings = items.slice(start + 1).flatMap((item, index): Happening[] => {
    const text = said[start + 1 + index];
    if (text !== undefined) return isOwn(text) ? [{ kind: 'said', text }] : [];
    return item.type?.endsWith('_call_output') ? [{ kind: 'output', text: textOf(item.output) }] : [];
  });
  return { prompt: said[start] ?? '', happenings };
}

function textOf(content: unknown): string {
  const parsed = Content.safeParse(content);
  if (!parsed.success) return content === undefined ? '' : JSON.stringify(content);
  return typeof parsed.data === 'string' ? parsed.data : parsed.data.map((part) => part.text ?? '').join('\n');
}
