import { once } from 'node:events';
import { openEventStream, resumePoint, type EventStream } from '@codex-k8s/http';
import { mayWrite } from '../app/authorize.ts';
import type { Context } from '../app/context.ts';
import { followEvents, followLog, readRunLog, type Waiter } from '../app/run-history.ts';
import { showRun } from '../app/runs.ts';
import { eventView, logLineView, runDetails } from './staff-views.ts';
import { actorOf, type StaffHandlers } from './staff.ts';

const pageOfLines = 2_000;

export function streamHandlers(context: Context, waiter: Waiter): Pick<StaffHandlers, 'streamRun' | 'streamRunLogs' | 'downloadRunLogs'> {
  /** A failure in the middle of a stream ends it; the client resumes where it was. */
  async function serve(stream: EventStream, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      stream.send({ event: 'end', data: {} });
    } catch (error) {
      context.log.warn({ err: error }, 'event stream broke off');
    } finally {
      stream.end();
    }
  }

  return {
    streamRun: async (request, reply) => {
      const actor = actorOf(request);
      const { run_id: runId } = request.params;
      const writes = await mayWrite(context, { actor, path: { run_id: runId } });
      const stream = openEventStream(request, reply);
      await serve(stream, async () => {
        const after = resumePoint(request.headers['last-event-id'], request.query?.after);
        for await (const events of followEvents(context, waiter, { runId, after, signal: stream.closed })) {
          for (const event of events) stream.send({ event: 'event', data: eventView(event), id: event.id });
          stream.send({ event: 'run', data: runDetails(await showRun(context, { runId, actor, mayWrite: writes })) });
        }
      });
    },
    streamRunLogs: async (request, reply) => {
      const { run_id: runId } = request.params;
      const stream = openEventStream(request, reply);
      await serve(stream, async () => {
        const after = resumePoint(request.headers['last-event-id'], request.query?.after);
        for await (const lines of followLog(context, waiter, { runId, after, signal: stream.closed })) {
          for (const line of lines) stream.send({ event: 'log', data: logLineView(line), id: line.n });
        }
      });
    },
    downloadRunLogs: async (request, reply) => {
      const { run_id: runId } = request.params;
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-disposition': `attachment; filename="run-${runId}.log"` });
      let after = 0;
      for (;;) {
        const { lines } = await readRunLog(context, { runId, after, limit: pageOfLines });
        for (const { at, stream, text } of lines) {
          if (!raw.write(`${at} ${stream.padEnd(6)} ${text}\n`)) await once(raw, 'drain');
        }
        const last = lines.at(-1);
        if (!last || raw.destroyed) break;
        after = last.n;
      }
      raw.end();
    },
  };
}
