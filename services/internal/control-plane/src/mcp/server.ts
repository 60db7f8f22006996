import { mountMcp } from '@codex-k8s/mcp';
import type { FastifyInstance } from 'fastify';
import type { Context } from '../app/context.ts';
import { version } from '../app/platform.ts';
import { recordToolCall } from '../app/record-tool-call.ts';
import type { Waiter } from '../app/run-history.ts';
import { loadRun } from '../app/run-spec.ts';
import { toolsFor, type ToolCaller } from '../app/tool-catalogue.ts';
import { authenticateRun } from '../http/authenticate.ts';

/** The platform's tools for agents (FR-006): what a run may see depends on its kind, what it may do is checked at each call. */
export function mountRunTools(app: FastifyInstance, context: Context, waiter: Waiter): void {
  mountMcp<ToolCaller>(app, {
    path: '/mcp',
    name: 'codex-k8s-control-plane-mcp',
    version,
    authenticate: async (request) => {
      const caller = await authenticateRun(context, request, 'codexk8s:mcp');
      return { ...caller, run: await loadRun(context, caller) };
    },
    toolsFor: (caller) => toolsFor(context, waiter, caller),
    onCall: (call) => recordToolCall(context, call),
  });
}
