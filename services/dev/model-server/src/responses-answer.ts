import { randomUUID } from 'node:crypto';
import type { ResponsesRequest } from './responses-request.ts';
import type { Decision } from './task.ts';

type Json = Readonly<Record<string, unknown>>;

/** A whole Responses API answer to a request. */
export function answerTo(request: ResponsesRequest, decision: Extract<Decision, { kind: 'call' | 'say' }>): Json {
  const item = decision.kind === 'say' ? messageItem(decision.text) : callItem(decision.call);
  return { ...envelope(request), status: 'completed', output: [item], usage: usageOf(request, item) };
}

function envelope({ model }: ResponsesRequest): Json {
  return {
    id: `resp_${randomUUID().replaceAll('-', '')}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    model,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    output: [],
    parallel_tool_calls: false,
    tool_choice: 'auto',
    tools: [],
    usage: null,
  };
}

function messageItem(text: string): Json {
  const content = [{ type: 'output_text', text, annotations: [] }];
  return { type: 'message', id: `msg_${randomUUID().replaceAll('-', '')}`, role: 'assistant', status: 'completed', content };
}

function callItem({ name, namespace, args }: Extract<Decision, { kind: 'call' }>['call']): Json {
  return {
    type: 'function_call',
    id: `fc_${randomUUID().replaceAll('-', '')}`,
    call_id: `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
    name,
    ...(namespace !== undefined && { namespace }),
    arguments: JSON.stringify(args),
    status: 'completed',
  };
}

/** An estimate, four characters a token: there is no tokenizer behind the scripted model. */
function usageOf({ input, instructions, tools }: ResponsesRequest, item: Json): Json {
  const tokens = (value: unknown): number => Math.ceil(JSON.stringify(value ?? '').length / 4);
  const inputTokens = tokens(input) + tokens(instructions) + tokens(tools);
  const outputTokens = tokens(item['content'] ?? item['arguments']);
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

/** The same answer as server-sent events, in the order the API sends them. */
export function eventsOf(answer: Json): string {
  const started = { ...answer, status: 'in_progress', output: [], usage: null };
  const items = answer['output'] as readonly Json[]; // made by answerTo
  const events: Json[] = [
    { type: 'response.created', response: started },
    { type: 'response.in_progress', response: started },
    ...items.flatMap((item, output_index) => itemEvents(item, output_index)),
    { type: 'response.completed', response: answer },
  ];
  return events
    .map((event, sequence_number) => `event: ${String(event['type'])}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`)
    .join('');
}

function itemEvents(item: Json, output_index: number): Json[] {
  const at = { item_id: item['id'], output_index };
  const done = { type: 'response.output_item.done', output_index, item };
  if (item['type'] === 'function_call') {
    return [
      { type: 'response.output_item.added', output_index, item: { ...item, arguments: '', status: 'in_progress' } },
      { type: 'response.function_call_arguments.delta', ...at, delta: item['arguments'] },
      { type: 'response.function_call_arguments.done', ...at, arguments: item['arguments'] },
      done,
    ];
  }
  const [part] = item['content'] as readonly Json[]; // made by messageItem
  const text = part?.['text'];
  return [
    { type: 'response.output_item.added', output_index, item: { ...item, content: [], status: 'in_progress' } },
    { type: 'response.content_part.added', ...at, content_index: 0, part: { ...part, text: '' } },
    { type: 'response.output_text.delta', ...at, content_index: 0, delta: text },
    { type: 'response.output_text.done', ...at, content_index: 0, text },
    { type: 'response.content_part.done', ...at, content_index: 0, part },
    done,
  ];
}
