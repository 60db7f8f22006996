import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@codex-k8s/runtime';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { answerTo, eventsOf } from './responses-answer.ts';
import { conversationOf, ResponsesRequest } from './responses-request.ts';
import { decide } from './script.ts';

export interface ModelServerOptions {
  readonly log: Logger;
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly host?: string;
}

export interface ModelServer {
  /** Without a path; the API is under `/v1`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the scripted model. It keeps no state: every answer follows from its request. */
export async function startModelServer({ log, port = 0, host = '127.0.0.1' }: ModelServerOptions): Promise<ModelServer> {
  const app = modelServer(log);
  const url = await app.listen({ port, host });
  return { url, close: () => app.close() };
}

export function modelServer(log: Logger): FastifyInstance {
  // A hanging answer must not hold up the end of the process.
  const app = Fastify({ logger: false, bodyLimit: 128 * 1024 * 1024, forceCloseConnections: true });
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, 'the scripted model failed');
    return refuse(reply, status, error.message);
  });
  app.setNotFoundHandler((request, reply) => refuse(reply, 404, `There is no ${request.method} ${request.url} here.`));
  for (const path of ['/healthz', '/readyz']) app.get(path, () => ({ status: 'ok' }));
  app.get('/v1/models', () => ({ object: 'list', data: [{ id: 'scripted', object: 'model', created: 0, owned_by: 'codex-k8s' }] }));
  app.post('/v1/responses', async (request, reply) => {
    const parsed = ResponsesRequest.safeParse(request.body);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return refuse(reply, 400, `Invalid request: ${issue?.message ?? 'unknown'}`, issue?.path.join('.'));
    }
    const decision = decide(conversationOf(parsed.data.input), parsed.data.tools ?? []);
    log.info(
      { model: parsed.data.model, decision: decision.kind, tool: decision.kind === 'call' ? decision.call.name : undefined },
      'answering',
    );
    switch (decision.kind) {
      case 'hang':
        reply.hijack();
        return undefined;
      case 'refuse':
        return refuse(reply, decision.status, `The issue asked the scripted model to answer with HTTP ${decision.status}.`);
      case 'call':
        await sleep(decision.waitMs);
        break;
      case 'say':
        break;
    }
    const answer = answerTo(parsed.data, decision);
    if (parsed.data.stream !== true) return reply.send(answer);
    return reply.header('cache-control', 'no-store').type('text/event-stream; charset=utf-8').send(eventsOf(answer));
  });
  return app;
}

const errorTypes: Readonly<Record<number, string>> = { 401: 'authentication_error', 403: 'permission_error', 429: 'rate_limit_error' };

function refuse(reply: FastifyReply, status: number, message: string, param?: string): FastifyReply {
  const type = errorTypes[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
  return reply.code(status).send({ error: { message, type, param: param ?? null, code: null } });
}
