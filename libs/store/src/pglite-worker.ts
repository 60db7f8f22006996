/**
 * The thread PGlite lives in. PGlite computes on its caller's thread, so a slow query would freeze every service of the trial; here it freezes
 * only itself. One message in, one answer out, in order.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite, types } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';

export type PgliteRequest =
  | { readonly id: number; readonly op: 'query'; readonly sql: string; readonly params: readonly unknown[] }
  | { readonly id: number; readonly op: 'exec'; readonly sql: string }
  | { readonly id: number; readonly op: 'listen'; readonly channel: string }
  | { readonly id: number; readonly op: 'close' };

export type PgliteReply =
  | { readonly id: number; readonly rows: unknown[]; readonly affectedRows: number }
  | {
      readonly id: number;
      readonly error: { readonly message: string; readonly code?: string; readonly constraint?: string; readonly table?: string };
    }
  | { readonly notification: { readonly channel: string; readonly payload: string } };

const { dataDir } = workerData as { dataDir: string }; // set by openPglite, the only starter of this file
const port = parentPort;
if (!port) throw new Error('pglite-worker.ts runs as a worker thread only');

const database = PGlite.create({
  dataDir,
  extensions: { vector },
  // The default of 128 MiB is touched whole in time; the pages are in the system's cache as well.
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
  // The same JavaScript values as node-postgres gives.
  parsers: { [types.INT8]: Number, [types.BYTEA]: (value) => Buffer.from(value.slice(2), 'hex') },
});

async function answer(request: PgliteRequest): Promise<{ rows: unknown[]; affectedRows: number }> {
  const pg = await database;
  switch (request.op) {
    case 'query': {
      const result = await pg.query(request.sql, [...request.params]);
      return { rows: result.rows, affectedRows: result.affectedRows ?? 0 };
    }
    case 'exec':
      await pg.exec(request.sql);
      return { rows: [], affectedRows: 0 };
    case 'listen':
      await pg.listen(request.channel, (payload) => post({ notification: { channel: request.channel, payload } }));
      return { rows: [], affectedRows: 0 };
    case 'close':
      await pg.close();
      return { rows: [], affectedRows: 0 };
  }
}

function post(reply: PgliteReply): void {
  port?.postMessage(reply);
}

let last: Promise<void> = Promise.resolve();
port.on('message', (request: PgliteRequest) => {
  last = last.then(async () => {
    try {
      post({ id: request.id, ...(await answer(request)) });
      return;
    } catch (error) {
      const { message, code, constraint, table } = error as Error & { code?: string; constraint?: string; table?: string }; // a DatabaseError
      post({ id: request.id, error: { message, ...(code && { code }), ...(constraint && { constraint }), ...(table && { table }) } });
    }
  });
});
