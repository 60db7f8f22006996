import { setTimeout as sleep } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { problemOf, unreachable } from './api.ts';
import { parseJson, type Connection } from './connection.ts';

export interface StreamMessage {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** Messages of one of the API's streams until its `end`. A lost connection is opened again after the last message, up to ten times in a row. */
export async function* followStream(connection: Connection, path: string, after: number): AsyncGenerator<StreamMessage> {
  let last = after;
  for (let failures = 0; failures <= 10;) {
    try {
      for await (const message of openStream(connection, `${path}?after=${last}`)) {
        failures = 0;
        if (message.event === 'end') return;
        if (message.id !== undefined) last = Number(message.id);
        yield message;
      }
      failures += 1; // ended without `end`: the platform restarts, or a proxy cut it
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch throws TypeError for a lost connection
      failures += 1;
      if (failures > 10) throw unreachable(error);
    }
    await sleep(Math.min(failures * 200, 2_000));
  }
}

async function* openStream({ apiUrl, token }: Connection, path: string): AsyncGenerator<StreamMessage> {
  const response = await fetch(`${apiUrl}${path}`, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } });
  if (!response.ok) throw problemOf(response.status, parseJson(await response.text()));
  const messages = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  if (!messages) return;
  for await (const { event = 'message', id, data } of messages) yield { event, id, data };
}
