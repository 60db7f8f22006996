import { describeError, errorCodes } from '@codex-k8s/domain';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { checkArguments, type Tool } from './tool.ts';

export interface McpOptions<C> {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Who calls; throws `auth.unauthorized`, which the server answers with 401. */
  readonly authenticate: (request: FastifyRequest) => Promise<C>;
  /** The tools this caller may see; the same list is checked again at the call. */
  readonly toolsFor: (caller: C) => readonly Tool<C>[];
  /** Hears of each call, for the audit. */
  readonly onCall: (call: {
    caller: C;
    tool: string;
    outcome: 'called' | 'succeeded' | 'failed';
    error?: { code: string; message: string };
  }) => Promise<void>;
}

/** Arguments are checked by us, with our codes; the library only shows the schema. */
const anything = { getValidator: () => (input: unknown) => ({ valid: true as const, data: input as never, errorMessage: undefined }) };

/** Streamable HTTP, stateless: each replica answers every call (reference §7.1). Old and new protocol revisions are served alike. */
export function mountMcp<C extends object>(
  app: FastifyInstance,
  { path, name, version, authenticate, toolsFor, onCall }: McpOptions<C>,
): void {
  const callers = new WeakMap<object, C>();

  async function run(caller: C, tool: Tool<C>, input: unknown): Promise<{ content: { type: 'text'; text: string }[]; isError?: true }> {
    await onCall({ caller, tool: tool.name, outcome: 'called' });
    try {
      checkArguments(tool, input);
      const result = await tool.call(caller, input);
      await onCall({ caller, tool: tool.name, outcome: 'succeeded' });
      return { content: [{ type: 'text', text: JSON.stringify(result) }] };
    } catch (error) {
      const { code, message } = describeError(error);
      if (code === 'internal') app.log.error({ tool: tool.name, err: error }, 'tool call failed');
      await onCall({ caller, tool: tool.name, outcome: 'failed', error: { code, message } });
      const shown = code === 'internal' ? errorCodes.internal.cause : message;
      return {
        content: [{ type: 'text', text: JSON.stringify({ status: 'error', code, message: shown, remedy: errorCodes[code].remedy }) }],
        isError: true,
      };
    }
  }

  const handler = createMcpHandler(({ authInfo }) => {
    const server = new McpServer({ name, version });
    const caller = authInfo && callers.get(authInfo);
    for (const tool of caller ? toolsFor(caller) : []) {
      server.registerTool(
        tool.name,
        { description: tool.description, inputSchema: fromJsonSchema(tool.inputSchema, anything) },
        async (input) => (caller ? run(caller, tool, input) : { content: [], isError: true as const }),
      );
    }
    return server;
  });
  const node = toNodeHandler(handler, { onerror: (error) => app.log.error({ err: error }, 'mcp request failed') });

  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: path,
    config: { operationId: 'mcp' },
    handler: async (request, reply) => {
      const caller = await authenticate(request);
      const auth = { token: '', clientId: name, scopes: [] };
      callers.set(auth, caller);
      reply.hijack();
      await node(Object.assign(request.raw, { auth }), reply.raw, request.body);
    },
  });
}
