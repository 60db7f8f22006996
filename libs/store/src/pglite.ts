import { Worker } from 'node:worker_threads';
import { AppError } from '@codex-k8s/domain';
import {
  CompiledQuery,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import { lockDatabaseFolder } from './database-lock.ts';
import type { PgliteReply, PgliteRequest } from './pglite-worker.ts';

/** The embedded database of the trial: one process, one thread, one connection. */
export interface Pglite {
  query(sql: string, params: readonly unknown[]): Promise<{ rows: unknown[]; affectedRows: number }>;
  exec(sql: string): Promise<void>;
  listen(channel: string, onNotify: (payload: string) => void): Promise<void>;
  close(): Promise<void>;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** Opens the folder `dataDir`. `database.locked` when another live process has it: PGlite itself would corrupt it. */
export function openPglite(dataDir: string): Pglite {
  const unlock = dataDir.startsWith('memory://') ? () => undefined : lockDatabaseFolder(dataDir);
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), { workerData: { dataDir } });
  const waiting = new Map<
    number,
    { resolve: (value: { rows: unknown[]; affectedRows: number }) => void; reject: (error: unknown) => void }
  >();
  const listeners = new Map<string, ((payload: string) => void)[]>();
  let nextId = 1;
  let gone: Error | undefined;

  worker.on('message', (reply: PgliteReply) => {
    if ('notification' in reply) {
      for (const notify of listeners.get(reply.notification.channel) ?? []) notify(reply.notification.payload);
      return;
    }
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) call?.reject(Object.assign(new Error(reply.error.message), reply.error));
    else call?.resolve(reply);
  });
  const fail = (error: Error): void => {
    gone = new AppError('database.unavailable', 'The embedded database has stopped.', { cause: error });
    for (const call of waiting.values()) call.reject(gone);
    waiting.clear();
  };
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`worker thread ended with code ${code}`)));

  function ask(request: WithoutId<PgliteRequest>): Promise<{ rows: unknown[]; affectedRows: number }> {
    if (gone) return Promise.reject(gone);
    return new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, ...request });
    });
  }

  return {
    query: (sql, params) => ask({ op: 'query', sql, params }),
    exec: async (sql) => {
      try {
        await ask({ op: 'exec', sql });
      } catch (error) {
        await ask({ op: 'exec', sql: 'rollback' });
        throw error;
      }
    },
    listen: async (channel, onNotify) => {
      const known = listeners.get(channel);
      if (known) {
        known.push(onNotify);
        return;
      }
      listeners.set(channel, [onNotify]);
      await ask({ op: 'listen', channel });
    },
    close: async () => {
      if (!gone) await ask({ op: 'close' });
      worker.removeAllListeners('exit');
      await worker.terminate();
      unlock();
    },
  };
}

/** Kysely over the one connection: a transaction holds it, everything else waits its turn. */
export function pgliteDialect(pg: Pglite): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => pgliteDriver(pg),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

/** A Buffer arrives from another thread as a plain Uint8Array. */
function restoreBuffers(row: Record<string, unknown>): void {
  for (const [column, value] of Object.entries(row)) {
    if (value instanceof Uint8Array) row[column] = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}

function pgliteDriver(pg: Pglite): Driver {
  let free: Promise<void> = Promise.resolve();
  const releases = new WeakMap<DatabaseConnection, () => void>();

  async function run<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, affectedRows } = await pg.query(sql, parameters);
    for (const row of rows as Record<string, unknown>[]) restoreBuffers(row);
    return { rows: rows as R[], numAffectedRows: BigInt(affectedRows) }; // the caller names the row's shape, as in every Kysely driver
  }

  return {
    init: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
    async acquireConnection() {
      const before = free;
      const { promise, resolve } = Promise.withResolvers<void>();
      free = promise;
      await before;
      const connection: DatabaseConnection = {
        executeQuery: run,
        streamQuery: () => {
          throw new AppError('internal', 'PGlite does not stream.');
        },
      };
      releases.set(connection, resolve);
      return connection;
    },
    releaseConnection: (connection) => {
      releases.get(connection)?.();
      return Promise.resolve();
    },
    beginTransaction: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('begin'));
    },
    commitTransaction: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('commit'));
    },
    rollbackTransaction: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    },
  };
}
