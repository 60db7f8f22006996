import { recordEvent } from '@codex-k8s/store';
import type { Context } from './context.ts';
import type { ToolCaller } from './tool-catalogue.ts';

export interface ToolCall {
  readonly caller: ToolCaller;
  readonly tool: string;
  readonly outcome: 'called' | 'succeeded' | 'failed';
  readonly error?: { readonly code: string; readonly message: string };
}

/** Every call of a tool is on record (reference §7.8); arguments are not, they may hold anything. */
export async function recordToolCall({ store }: Context, { caller: { run, attempt }, tool, outcome, error }: ToolCall): Promise<void> {
  await recordEvent(store.db, {
    type: `mcp.tool.${outcome}`,
    correlationId: run.correlationId,
    runId: run.id,
    projectId: run.projectId,
    actor: { type: 'agent', id: run.agentKey },
    payload: { server: 'codex-k8s-control-plane-mcp', tool, attempt, ...(error && { error }) },
  });
}
