import { AppError, saysDiskFull } from '@codex-k8s/domain';
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import type { DB } from './tables.gen.ts';
import { openPglite, pgliteDialect } from './pglite.ts';
import { prepareMarked } from './prepared.ts';

export type Db = Kysely<DB>;
export type Tx = Transaction<DB>;

/** One opened database. `read` is the replica for lists and searches, or the primary where none is named (NFR-005). */
export interface Store extends AsyncDisposable {
  readonly kind: 'pglite' | 'postgresql';
  readonly db: Db;
  readonly read: Db;
  /** Several statements at once, for migrations. */
  exec(sql: string): Promise<void>;
  /** Calls back after each NOTIFY on the channel; a lost notification must cost latency only. */
  listen(channel: string, onNotify: (payload: string) => void): Promise<void>;
}

export interface StoreOptions {
  readonly readUrl?: string | undefined;
  /** Connections of the pool. */
  readonly poolSize?: number;
  /** Hears of a lost idle connection. */
  readonly onError?: (error: Error) => void;
}

/** Opens `postgres://…` or `pglite:<folder>` (`pglite:memory` for tests); callers cannot tell which of the two they got. */
export function openStore(url: string, options: StoreOptions = {}): Store {
  if (url.startsWith('pglite:')) return openEmbedded(url.slice('pglite:'.length));
  return openServer(url, options);
}

// Our bigint columns are identities and counters, far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const plugins = [new CamelCasePlugin({ maintainNestedObjectKeys: true })];

function openEmbedded(path: string): Store {
  const engine = openPglite(path === 'memory' ? 'memory://' : path);
  const db = new Kysely<DB>({ dialect: pgliteDialect(engine), plugins });
  return {
    kind: 'pglite',
    db,
    read: db,
    exec: (sql) => engine.exec(sql),
    listen: (channel, onNotify) => engine.listen(channel, onNotify),
    async [Symbol.asyncDispose]() {
      await engine.close();
    },
  };
}

function openServer(url: string, { readUrl, poolSize = 10, onError = () => undefined }: StoreOptions): Store {
  const poolFor = (connectionString: string): pg.Pool => {
    const pool = new pg.Pool({
      connectionString,
      max: poolSize,
      connectionTimeoutMillis: 10_000,
      statement_timeout: 60_000,
      keepAlive: true,
    });
    pool.on('error', onError);
    // A connection lost between two statements of a transaction has no other listener, and would end the process; the next statement fails.
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('connect', prepareMarked);
    return pool;
  };
  const pool = poolFor(url);
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }), plugins });
  const read = readUrl ? new Kysely<DB>({ dialect: new PostgresDialect({ pool: poolFor(readUrl) }), plugins }) : db;
  const stopped = new AbortController();
  return {
    kind: 'postgresql',
    db,
    read,
    exec: (sql) => execScript(pool, sql),
    listen: (channel, onNotify) => listenForever({ url, channel, onNotify, onError, signal: stopped.signal }),
    async [Symbol.asyncDispose]() {
      stopped.abort();
      if (read !== db) await read.destroy();
      await db.destroy();
    },
  };
}

/** A failed script leaves no transaction open on the connection it goes back to the pool with. */
async function execScript(pool: pg.Pool, sql: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(sql);
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

interface ListenInput {
  readonly url: string;
  readonly channel: string;
  readonly onNotify: (payload: string) => void;
  readonly onError: (error: Error) => void;
  readonly signal: AbortSignal;
}

/** A connection of its own, reopened after every loss; each reopening calls back once, since a notification may have been missed. */
async function listenForever({ url, channel, onNotify, onError, signal }: ListenInput): Promise<void> {
  async function connect(): Promise<void> {
    const client = new pg.Client({ connectionString: url, keepAlive: true });
    const stop = (): void => void client.end().catch(onError);
    client.on('error', onError);
    client.on('notification', ({ payload }) => onNotify(payload ?? ''));
    client.on('end', () => {
      signal.removeEventListener('abort', stop);
      if (!signal.aborted) setTimeout(() => void reconnect(), 1_000).unref();
    });
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    signal.addEventListener('abort', stop, { once: true });
  }
  async function reconnect(): Promise<void> {
    if (signal.aborted) return;
    try {
      await connect();
      onNotify('');
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
      setTimeout(() => void reconnect(), 1_000).unref();
    }
  }
  await connect();
}

/** PostgreSQL's own code of an error, such as `23505`, when it is one. */
export function sqlState(error: unknown): string | undefined {
  const code = codeOf(error);
  return /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== '23505') return false;
  return constraint === undefined || (error as { constraint?: string }).constraint === constraint; // DatabaseError of either engine
}

/** The thrown value as `database.unavailable` or `database.full` when the connection or the disk, not the statement, is at fault. */
export function translateDatabaseError(error: unknown): unknown {
  const state = sqlState(error);
  const network = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE'].includes(codeOf(error));
  const lost = state !== undefined && (state.startsWith('08') || state.startsWith('57P'));
  const message = error instanceof Error ? error.message : '';
  if (
    network ||
    lost ||
    /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/.test(message)
  ) {
    return new AppError('database.unavailable', 'The database does not answer.', { cause: error });
  }
  if (isUntrusted(error)) {
    return new AppError('database.unavailable', `The certificate of the database is not accepted: ${message}.`, { cause: error });
  }
  if (state === '53100' || saysDiskFull(message))
    return new AppError('database.full', 'The database has no space left to write.', { cause: error });
  return error;
}

/** The database answers over TLS and cannot prove who it is: Node.js has a code for each reason. */
export function isUntrusted(error: unknown): boolean {
  return /^(CERT_|DEPTH_ZERO_|ERR_TLS_|SELF_SIGNED_|UNABLE_TO_)/.test(codeOf(error));
}

/** PostgreSQL's or Node.js's; empty: it has none. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code; // any thrown value may lack it
  return typeof code === 'string' ? code : '';
}
