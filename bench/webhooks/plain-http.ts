/**
 * Requests over plain sockets, written as they will go before the time is taken. Both subjects share their two cores with the load tool, so what a
 * client library does per request would be charged to them: autocannon takes twice the time of this.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { SignedDelivery } from './deliveries.ts';

/** The bytes of a POST. */
export function renderPost(url: string, { headers, body }: SignedDelivery): Buffer {
  const { host, pathname } = new URL(url);
  const fields = Object.entries({ host, ...headers, 'content-length': body.length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${pathname} HTTP/1.1\r\n${fields.join('')}\r\n`), body]);
}

/** A connection that sends one request at a time. */
export async function openConnection(url: string): Promise<{ send: (request: Buffer) => Promise<number>; close: () => void }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay().setEncoding('latin1');
  await once(socket, 'connect');
  socket.on('error', () => undefined); // 'close' follows it
  return {
    send: (request) => {
      const status = readStatus(socket);
      socket.write(request);
      return status;
    },
    close: () => void socket.destroy(),
  };
}

/** The status of the next answer, once its last byte is here; 0 when the connection ends before. Both servers say the length of their answers. */
function readStatus(socket: Socket): Promise<number> {
  return new Promise((resolve) => {
    let text = '';
    const done = (status: number): void => {
      socket.off('data', onData).off('close', onClose);
      resolve(status);
    };
    const onClose = (): void => done(0);
    const onData = (part: string): void => {
      text += part;
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
      if (length === undefined) throw new Error(`an answer without a length: ${text.slice(0, end)}`);
      if (text.length >= end + 4 + Number(length)) done(Number(text.slice(9, 12)));
    };
    socket.on('data', onData).on('close', onClose);
  });
}
