import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { InputItem } from './session.ts';

export const mcpServerName = 'codex_k8s';

export interface McpOutcome {
  readonly content: readonly unknown[];
  readonly structuredContent: unknown;
  /** Undefined: the call succeeded. */
  readonly error: string | undefined;
  /** What the model reads. */
  readonly text: string;
}

export interface McpTools {
  /** Function tools for the model, named `mcp__codex_k8s__TOOL`. */
  readonly definitions: readonly InputItem[];
  /** The server's own name of a tool; undefined: not one of its tools. */
  toolOf(functionName: string): string | undefined;
  /** Never throws for a failure of the tool or the network, only when aborted. */
  call(tool: string, args: Readonly<Record<string, unknown>>): Promise<McpOutcome>;
  close(): Promise<void>;
}

export interface McpOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

/** A question to a person may wait for hours: the platform, not the client, decides when to stop. */
const callTimeoutMs = 24 * 3600 * 1000;
/** Together about a minute: a platform that is being restarted is back by then. */
const tries = 15;
const longestPauseMs = 5_000;

/** Connects to the run's MCP server. Throws when it cannot be reached or refuses the token. */
export async function connectMcp({ url, token, signal }: McpOptions): Promise<McpTools> {
  const client = await repeated(() => connected(url, token), signal);
  const { tools } = await repeated(() => client.listTools(), signal);
  const names = new Map(tools.map(({ name }) => [functionName(name), name]));
  const definitions = tools.map(({ name, description, inputSchema }) => ({
    type: 'function',
    name: functionName(name),
    description: description ?? '',
    strict: false,
    parameters: inputSchema,
  }));
  return {
    definitions,
    toolOf: (name) => names.get(name),
    close: () => client.close(),
    async call(tool, args) {
      try {
        // The platform's tools are repeatable (NFR-013), so a lost connection is tried again.
        const result = await repeated(() => client.callTool({ name: tool, arguments: args }, { timeout: callTimeoutMs, signal }), signal);
        const text = textOf(result.content, result.structuredContent);
        const isError = result.isError === true;
        return {
          content: result.content,
          structuredContent: result.structuredContent ?? null,
          error: isError ? text : undefined,
          text: isError ? `Error: ${text}` : text,
        };
      } catch (error) {
        signal.throwIfAborted();
        const message = error instanceof Error ? error.message : String(error);
        return { content: [], structuredContent: null, error: message, text: `Error: ${message}` };
      }
    },
  };
}

async function connected(url: string, token: string | undefined): Promise<Client> {
  const client = new Client({ name: 'codex-k8s-trial-agent', version: '0.1.0' });
  const requestInit = token === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${token}` } } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), requestInit));
  return client;
}

/** Repeats after failures of the network only. */
async function repeated<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      const isNetwork = error instanceof TypeError && /fetch|terminated|network/i.test(error.message);
      if (!isNetwork || attempt === tries || signal.aborted) throw error;
      await sleep(Math.min(longestPauseMs, 250 * 2 ** attempt), undefined, { signal });
    }
  }
}

function functionName(tool: string): string {
  return `mcp__${mcpServerName}__${tool.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`.slice(0, 64);
}

function textOf(content: readonly { readonly type: string }[], structured: unknown): string {
  const text = content.flatMap((part) => ('text' in part && typeof part.text === 'string' ? [part.text] : [])).join('\n');
  return text === '' && structured !== undefined ? JSON.stringify(structured) : text;
}
