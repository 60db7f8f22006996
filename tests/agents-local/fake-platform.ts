import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { AppendRunLogsData, AttemptResult, InsertRunEventData, RunSpec, SaveAgentSessionData } from '@codex-k8s/contracts/internal';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** A control plane that remembers everything and can be told to misbehave. Types are the contract's. */
export interface FakePlatform {
  readonly url: string;
  readonly mcpUrl: string;
  readonly token: string;
  spec: RunSpec | undefined;
  readonly events: InsertRunEventData['body'][];
  readonly logs: AppendRunLogsData['body'][];
  readonly sessions: SaveAgentSessionData['body'][];
  readonly results: AttemptResult[];
  readonly reports: unknown[];
  readonly questions: unknown[];
  /** Answers of the heartbeat. */
  goesOn: boolean;
  /** Every call is refused as superseded. */
  isSuperseded: boolean;
  /** Instead of a work order. */
  refusesSpec: { readonly status: number; readonly code: string; readonly message: string } | undefined;
  /** Calls fail with 503 while true; MCP goes on. */
  isAway: boolean;
  /** How often a question is answered `approval_required` before `answer` comes. */
  pendingAnswers: number;
  answer: string;
  lines(): string[];
  close(): Promise<void>;
}

export async function startFakePlatform(token = 'run-token-3f9c1b7e5a'): Promise<FakePlatform> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const platform: FakePlatform = {
    url: base,
    mcpUrl: `${base}/mcp`,
    token,
    spec: undefined,
    events: [],
    logs: [],
    sessions: [],
    results: [],
    reports: [],
    questions: [],
    goesOn: true,
    isSuperseded: false,
    refusesSpec: undefined,
    isAway: false,
    pendingAnswers: 0,
    answer: 'blue',
    lines: () => platform.logs.flatMap(({ lines }) => lines.map((line) => `${line.stream}: ${line.text}`)),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const mcp = toNodeHandler(createMcpHandler(() => toolsOf(platform)));

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', base).pathname;
    const reply = (status: number, body?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${token}`) return reply(401, { code: 'auth.unauthorized', message: 'no' });
    if (path === '/mcp') return mcp(request, response);
    const body = await text(request);
    if (platform.isAway) return reply(503, { code: 'database.unavailable', message: 'away' });
    if (platform.isSuperseded) return reply(409, { code: 'run.attempt_superseded', message: 'newer' });
    const operation = `${request.method} ${path.replace(`/internal/v1/runs/${platform.spec?.run_id ?? ''}/`, '')}`;
    const json: unknown = body === '' ? undefined : JSON.parse(body);
    switch (operation) {
      case 'GET spec':
        if (platform.refusesSpec) return reply(platform.refusesSpec.status, platform.refusesSpec);
        return reply(200, platform.spec);
      case 'POST heartbeat':
        return reply(200, { status: 'running', continue: platform.goesOn });
      case 'POST events':
        platform.events.push(json as InsertRunEventData['body']);
        return reply(204);
      case 'POST logs':
        platform.logs.push(json as AppendRunLogsData['body']);
        return reply(200, { accepted: true });
      case 'PUT session':
        platform.sessions.push(json as SaveAgentSessionData['body']);
        return reply(204);
      case 'POST result':
        platform.results.push(json as AttemptResult);
        return reply(204);
      default:
        return reply(404, { code: 'request.not_found', message: operation });
    }
  }
  return platform;
}

function toolsOf(platform: FakePlatform): McpServer {
  const server = new McpServer({ name: 'fake-platform', version: '0.0.0' });
  const say = (value: unknown, isError = false) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }], isError });
  server.registerTool('run_status_report', { description: 'Status', inputSchema: z.object({ status: z.string() }) }, () =>
    say({ status: 'ok' }),
  );
  server.registerTool('submit_result', { description: 'Report', inputSchema: z.looseObject({ summary: z.string() }) }, (report) => {
    if (report.summary === '') return say({ status: 'error', code: 'run.report_invalid', message: 'summary: must not be empty' }, true);
    platform.reports.push(report);
    return say({ status: 'ok' });
  });
  const Question = z.object({ question: z.string(), options: z.array(z.string()).min(2).max(5), allow_custom: z.boolean().optional() });
  server.registerTool('owner_feedback_request', { description: 'Ask', inputSchema: Question }, (question) => {
    platform.questions.push(question);
    if (platform.pendingAnswers > 0) {
      platform.pendingAnswers -= 1;
      return say({ status: 'approval_required', request_id: 'q-1' });
    }
    return say({ status: 'ok', answer: platform.answer });
  });
  return server;
}
