import type { Usage } from '@codex-k8s/contracts/internal';
import { missingTools } from '@codex-k8s/domain';
import { z } from 'zod';
import type { LogLine } from '../control-plane.ts';

/** Reads the JSON lines of an agent's standard output: log lines for people, and the facts that decide how the turn ended. */
export interface AgentReport {
  threadId: string | undefined;
  isTurnCompleted: boolean;
  /** The last failure the agent named for the turn. */
  failure: string | undefined;
  lastWords: string | undefined;
  /** What became of the last submit_result: undefined when none was tried. */
  report: 'accepted' | 'refused' | undefined;
  refusal: string | undefined;
  reportedGaps: string[];
  outputGaps: string[];
  /** Tokens of the whole thread: both programs count from its beginning, also across resumes. */
  usage: Omit<Usage, 'model'> | undefined;
}

/** A point worth a session snapshot. */
export type Milestone = 'session-started' | 'waiting' | 'turn-ended';

const Item = z.discriminatedUnion('type', [
  z.object({ type: z.literal('agent_message'), text: z.string() }),
  z.object({
    type: z.literal('command_execution'),
    command: z.string(),
    aggregated_output: z.string().nullish(),
    exit_code: z.number().nullish(),
  }),
  z.object({
    type: z.literal('mcp_tool_call'),
    tool: z.string(),
    arguments: z.unknown().optional(),
    result: z
      .object({ content: z.array(z.looseObject({ text: z.string().optional() })), structured_content: z.unknown().optional() })
      .nullish(),
    error: z.object({ message: z.string() }).nullish(),
    status: z.string(),
  }),
  z.object({ type: z.literal('error'), message: z.string() }),
  z.object({ type: z.literal('reasoning'), text: z.string() }),
]);
type Item = z.infer<typeof Item>;

const Event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('thread.started'), thread_id: z.string() }),
  z.object({ type: z.literal('turn.started') }),
  z.object({ type: z.enum(['item.started', 'item.completed']), item: z.looseObject({ type: z.string() }) }),
  z.object({ type: z.literal('turn.completed'), usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).nullish() }),
  z.object({ type: z.literal('turn.failed'), error: z.object({ message: z.string() }) }),
  z.object({ type: z.literal('error'), message: z.string() }),
]);

export interface AgentEventReader {
  readonly report: Readonly<AgentReport>;
  /** One line of standard output, without its end. */
  line(text: string): void;
}

export function agentEvents(
  say: (stream: LogLine['stream'], text: string) => void,
  reached: (milestone: Milestone) => void,
): AgentEventReader {
  const report: AgentReport = {
    threadId: undefined,
    isTurnCompleted: false,
    failure: undefined,
    lastWords: undefined,
    report: undefined,
    refusal: undefined,
    reportedGaps: [],
    outputGaps: [],
    usage: undefined,
  };

  function itemStarted(item: Item): void {
    if (item.type === 'command_execution') say('tool', `$ ${item.command}`);
    if (item.type !== 'mcp_tool_call') return;
    say('tool', `${item.tool} ${JSON.stringify(item.arguments ?? {})}`);
    reached('waiting');
  }

  function itemCompleted(item: Item): void {
    switch (item.type) {
      case 'agent_message':
        report.lastWords = item.text;
        say('agent', item.text);
        break;
      case 'reasoning':
        say('agent', item.text);
        break;
      case 'error':
        say('agent', `warning: ${item.message}`);
        break;
      case 'command_execution': {
        const output = (item.aggregated_output ?? '').replace(/\r?\n$/, '');
        if (output !== '') say('tool', output);
        if (item.exit_code !== 0) say('tool', `exit code ${item.exit_code ?? 'unknown'}`);
        addGaps(report.outputGaps, missingTools(output));
        break;
      }
      case 'mcp_tool_call': {
        const text = item.error?.message ?? item.result?.content.map((part) => part.text ?? '').join('\n') ?? '';
        say('tool', `${item.tool}: ${item.error ? 'failed: ' : ''}${text}`);
        if (item.tool === 'submit_result') submitted(item, text);
        reached('waiting');
        break;
      }
    }
  }

  function submitted(item: Extract<Item, { type: 'mcp_tool_call' }>, text: string): void {
    const isRefused = (item.error ?? undefined) !== undefined || item.status === 'failed' || /"status"\s*:\s*"error"/.test(text);
    report.report = isRefused ? 'refused' : 'accepted';
    report.refusal = isRefused ? text : undefined;
    const gaps = z.object({ tool_gaps: z.array(z.string()) }).safeParse(item.arguments).data?.tool_gaps ?? [];
    if (!isRefused) addGaps(report.reportedGaps, gaps);
  }

  return {
    report,
    line(text) {
      if (text.trim() === '') return;
      const event = Event.safeParse(jsonOf(text)).data;
      if (!event) {
        if (!text.startsWith('{"type":')) say('agent', text); // free text; unknown events are not for people
        return;
      }
      switch (event.type) {
        case 'thread.started':
          report.threadId = event.thread_id;
          reached('session-started');
          break;
        case 'turn.started':
          break;
        case 'item.started':
        case 'item.completed': {
          const item = Item.safeParse(event.item).data;
          if (item) (event.type === 'item.started' ? itemStarted : itemCompleted)(item);
          break;
        }
        case 'turn.completed':
          report.isTurnCompleted = true;
          report.usage = event.usage ?? report.usage;
          reached('turn-ended');
          break;
        case 'turn.failed':
          report.failure = event.error.message;
          say('agent', `failed: ${event.error.message}`);
          reached('turn-ended');
          break;
        case 'error':
          say('agent', `error: ${event.message}`);
          break;
      }
    },
  };
}

const mostGaps = 50;

function addGaps(known: string[], found: readonly string[]): void {
  for (const tool of found) if (known.length < mostGaps && !known.includes(tool)) known.push(tool);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
