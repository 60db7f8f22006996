import { isTracing, startSpan, type Span } from '@codex-k8s/runtime';
import { z } from 'zod';

const ToolEvent = z.object({
  type: z.enum(['item.started', 'item.completed']),
  item: z.object({
    id: z.string(),
    type: z.enum(['command_execution', 'mcp_tool_call']),
    tool: z.string().optional(),
    exit_code: z.number().nullish(),
    status: z.string().optional(),
  }),
});

/** A span per tool call of the agent, from its own event stream: which tool, how long, how it ended; never a command, an argument or an output. */
export interface ToolSpans extends Disposable {
  line(text: string): void;
}

export function toolSpans(): ToolSpans {
  if (!isTracing()) return { line: () => undefined, [Symbol.dispose]: () => undefined };
  const open = new Map<string, Span>();
  return {
    line: (text) => {
      const event = text.startsWith('{') ? ToolEvent.safeParse(jsonOf(text)).data : undefined;
      if (!event) return;
      const { id, type, tool = type, exit_code: exitCode, status } = event.item;
      if (event.type === 'item.started') {
        const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool, 'gen_ai.tool.call.id': id };
        open.set(id, startSpan(`execute_tool ${tool}`, { attributes }));
        return;
      }
      const span = open.get(id);
      open.delete(id);
      span?.set({ 'process.exit.code': exitCode ?? undefined });
      if (status === 'failed') span?.fail('tool_failed');
      span?.end();
    },
    [Symbol.dispose]: () => {
      for (const span of open.values()) {
        span.fail('cancelled');
        span.end();
      }
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // free text
  }
}
