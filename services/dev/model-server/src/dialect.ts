import type { Tool } from './responses-request.ts';

/**
 * How a client names its tools. Known: the trial agent (`shell {command}`, MCP tools `mcp__SERVER__TOOL`) and Codex
 * (`exec_command {cmd}` that yields a session to poll, MCP tools grouped in a namespace `mcp__SERVER`).
 */
export interface ToolCall {
  readonly name: string;
  readonly namespace?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface Dialect {
  /** Undefined: the client offers no shell. */
  shell(command: string): ToolCall | undefined;
  /** Undefined: the client does not offer this tool of the run's MCP server. */
  mcp(tool: string, args: ToolCall['args']): ToolCall | undefined;
}

/** One that a client must never stop by itself: the platform owns the clock. */
const longestSeconds = 86_400;

export function dialectOf(tools: readonly Tool[]): Dialect {
  const offered = tools.filter((tool) => tool.name !== undefined);
  return { shell: (command) => shellCall(offered, command), mcp: (tool, args) => mcpCall(tools, offered, tool, args) };
}

function shellCall(offered: readonly Tool[], command: string): ToolCall | undefined {
  if (offered.some((tool) => tool.name === 'exec_command')) return { name: 'exec_command', args: { cmd: command, yield_time_ms: 30_000 } };
  const shell = offered.find((tool) => tool.name === 'shell' || tool.name === 'shell_command');
  if (!shell?.name) return undefined;
  const schema = JSON.stringify(shell.parameters ?? {});
  if (/"command":\{[^{}]*"array"/.test(schema)) return { name: shell.name, args: { command: ['bash', '-lc', command] } };
  return { name: shell.name, args: { command, ...(schema.includes('"timeout_seconds"') && { timeout_seconds: longestSeconds }) } };
}

function mcpCall(tools: readonly Tool[], offered: readonly Tool[], tool: string, args: ToolCall['args']): ToolCall | undefined {
  const isIt = (name: string | undefined): boolean => name === tool || (name?.endsWith(`__${tool}`) ?? false);
  for (const candidate of offered) {
    const inner = candidate.tools?.find(({ name }) => isIt(name));
    if (candidate.name && inner?.name) return { name: inner.name, namespace: candidate.name, args };
    if (candidate.name && isIt(candidate.name)) return { name: candidate.name, args };
  }
  // Codex defers MCP tools behind a search for models that it knows; calling one directly still works.
  return tools.some(({ type }) => type === 'tool_search') ? { name: tool, namespace: 'mcp__codex_k8s', args } : undefined;
}

export interface ShellResult {
  readonly output: string;
  /** Undefined: the client did not say. */
  readonly exitCode: number | undefined;
  /** The command still runs; poll this session of the client. */
  readonly sessionId: number | undefined;
}

/** Reads a shell tool's answer: some head lines, `Output:`, then the output. */
export function shellResult(text: string): ShellResult {
  const cut = /^Output:\r?\n?/m.exec(text);
  const head = cut ? text.slice(0, cut.index) : text.slice(0, 500);
  const code = /(?:exited with code|Exit code:)\s*(-?\d+)/i.exec(head)?.[1];
  const session = /running with session ID\s*(\d+)/i.exec(head)?.[1];
  return {
    output: cut ? text.slice(cut.index + cut[0].length) : text,
    exitCode: code === undefined ? undefined : Number(code),
    sessionId: session === undefined ? undefined : Number(session),
  };
}

/** The call that waits for a command which still runs. */
export function pollCall(sessionId: number): ToolCall {
  return { name: 'write_stdin', args: { session_id: sessionId, chars: '', yield_time_ms: 30_000 } };
}

/** Did the client say that the call never finished? Such a step is issued again. */
export function isAborted(output: string): boolean {
  return /^\s*(?:Wall time[^\n]*\n\s*)?aborted\b/i.test(output);
}

/** The first object with a `status` in a tool's answer, however the client wrapped it. */
export function statusObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const start = text.search(/[{[]/);
  if (start < 0) return undefined;
  try {
    return withStatus(JSON.parse(text.slice(start)));
  } catch {
    return undefined; // plain text
  }
}

function withStatus(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value === 'string') return /^\s*[{[]/.test(value) ? statusObject(value) : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if ('status' in value) return value;
  for (const inner of Object.values(value)) {
    const found = withStatus(inner);
    if (found) return found;
  }
  return undefined;
}

/** Did a tool of the platform answer with a failure? */
export function isRefusal(text: string): boolean {
  return statusObject(text)?.['status'] === 'error' || /^\s*(?:Wall time[^\n]*\n)?(?:Output:\s*)?(?:tool call )?error\b/i.test(text);
}
