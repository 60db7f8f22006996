import type { FastifyReply, FastifyRequest } from 'fastify';

/** A server-sent event stream (text/event-stream) that ends when the client goes or `end` is called. */
export interface EventStream {
  /** Undefined `id` leaves the client's resume point as it is. */
  send(message: { readonly event: string; readonly data: unknown; readonly id?: number }): void;
  end(): void;
  /** Aborted when the client has gone or the stream was ended. */
  readonly closed: AbortSignal;
}

const keepAliveMs = 15_000;

export function openEventStream(request: FastifyRequest, reply: FastifyReply): EventStream {
  const stop = new AbortController();
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...Object.fromEntries(Object.entries(reply.getHeaders()).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  raw.write(': open\n\n');
  const keepAlive = setInterval(() => raw.write(': keep-alive\n\n'), keepAliveMs);
  const close = (): void => {
    clearInterval(keepAlive);
    stop.abort();
  };
  request.raw.on('close', close);
  raw.on('close', close);
  return {
    closed: stop.signal,
    send: ({ event, data, id }) => {
      if (stop.signal.aborted) return;
      raw.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    end: () => {
      close();
      raw.end();
    },
  };
}

/** Where to go on: the header of a reconnect wins over the query. */
export function resumePoint(lastEventId: string | undefined, after: number | undefined): number {
  const fromHeader = lastEventId === undefined ? Number.NaN : Number(lastEventId);
  return Number.isSafeInteger(fromHeader) ? fromHeader : (after ?? 0);
}
