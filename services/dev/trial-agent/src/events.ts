/** What the agent says on standard output: one JSON object a line, in the shape of `codex exec --json`, so that one parser serves both. */
export interface Usage {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
}

export type ThreadItem =
  | { readonly type: 'agent_message'; readonly text: string }
  | {
      readonly type: 'command_execution';
      readonly command: string;
      readonly aggregated_output: string;
      readonly exit_code: number | null;
      readonly status: 'in_progress' | 'completed' | 'failed';
    }
  | {
      readonly type: 'mcp_tool_call';
      readonly server: string;
      readonly tool: string;
      readonly arguments: unknown;
      readonly result: { readonly content: readonly unknown[]; readonly structured_content: unknown } | null;
      readonly error: { readonly message: string } | null;
      readonly status: 'in_progress' | 'completed' | 'failed';
    };

export type AgentEvent =
  | { readonly type: 'thread.started'; readonly thread_id: string }
  | { readonly type: 'turn.started' }
  | { readonly type: 'item.started' | 'item.completed'; readonly item: ThreadItem & { readonly id: string } }
  /** Tokens of the whole thread so far, also across resumes. */
  | { readonly type: 'turn.completed'; readonly usage: Usage }
  | { readonly type: 'turn.failed'; readonly error: { readonly message: string } }
  | { readonly type: 'error'; readonly message: string };

export type Emit = (event: AgentEvent) => void;
