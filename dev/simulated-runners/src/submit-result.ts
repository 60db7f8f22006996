import type { RunSpec } from '@codex-k8s/contracts/internal';

/** The one tool an agent must call, as every MCP client calls it. */
export async function submitResult(spec: Pick<RunSpec, 'mcp_url' | 'mcp_token'>, report: object): Promise<void> {
  const response = await fetch(spec.mcp_url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${spec.mcp_token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-06-18',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'submit_result', arguments: report } }),
  });
  const answer = await response.text();
  if (!response.ok || !/\\"status\\":\\"ok\\"/.test(answer))
    throw new Error(`submit_result answered ${response.status}: ${answer.slice(0, 500)}`);
}
