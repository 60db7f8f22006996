import { sql } from 'kysely';
import { asJson } from './json.ts';
import type { Db, Tx } from './store.ts';

export interface LogLine {
  readonly stream: string;
  readonly text: string;
  /** RFC 3339. */
  readonly at: string;
}

export interface NumberedLine extends LogLine {
  readonly n: number;
  readonly attempt: number;
}

export interface LogHead {
  readonly lines: number;
  readonly truncated: boolean;
  readonly expired: boolean;
}

interface Batch {
  readonly runId: string;
  readonly attempt: number;
  readonly lines: readonly LogLine[];
  /** Of the run's whole log. */
  readonly maxBytes: number;
}

/** Appends a batch once, however often it is sent. `false`: the run's log is full, the batch was dropped and the head says so. */
export async function appendLog(db: Db, { seq, ...batch }: Batch & { readonly seq: number }): Promise<boolean> {
  return append(db, { ...batch, seq }, async (tx) => hasChunk(tx, { ...batch, seq }));
}

/** Runners count their batches from 1. */
const clusterSeq = 0;

/** Appends what the cluster has of an attempt whose runner sent nothing; once, and not when the runner has spoken meanwhile. */
export async function appendClusterLog(db: Db, batch: Batch): Promise<void> {
  await append(db, { ...batch, seq: clusterSeq }, async (tx) => !(await isSilent(tx, batch)));
}

/** Nothing of this attempt is in the log, nor was it before the log expired. */
export async function isSilent(db: Db | Tx, { runId, attempt }: Pick<Batch, 'runId' | 'attempt'>): Promise<boolean> {
  const { expired } = await getLogHead(db, runId);
  return !expired && !(await hasChunk(db, { runId, attempt }));
}

async function hasChunk(
  db: Db | Tx,
  { runId, attempt, seq }: { readonly runId: string; readonly attempt: number; readonly seq?: number },
): Promise<boolean> {
  const known = await db
    .selectFrom('audit.runLogChunks')
    .select('seq')
    .where('runId', '=', runId)
    .where('attempt', '=', attempt)
    .$if(seq !== undefined, (query) => query.where('seq', '=', seq ?? 0))
    .limit(1)
    .executeTakeFirst();
  return known !== undefined;
}

/** `isKnown` is asked under the lock of the run's log. */
async function append(
  db: Db,
  { runId, attempt, seq, lines, maxBytes }: Batch & { readonly seq: number },
  isKnown: (tx: Tx) => Promise<boolean>,
): Promise<boolean> {
  const bytes = lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return db.transaction().execute(async (tx) => {
    await sql`insert into audit.run_log_heads (run_id) values (${runId}) on conflict do nothing`.execute(tx);
    const head = await tx.selectFrom('audit.runLogHeads').selectAll().where('runId', '=', runId).forUpdate().executeTakeFirstOrThrow();
    if (lines.length === 0 || (await isKnown(tx))) return true;
    if (head.bytes + bytes > maxBytes) {
      if (!head.truncated) await tx.updateTable('audit.runLogHeads').set({ truncated: true }).where('runId', '=', runId).execute();
      return false;
    }
    await tx
      .insertInto('audit.runLogChunks')
      .values({ runId, attempt, seq, firstLine: head.lines + 1, lineCount: lines.length, lines: asJson(lines) })
      .execute();
    await tx
      .updateTable('audit.runLogHeads')
      .set({ lines: head.lines + lines.length, bytes: head.bytes + bytes, updatedAt: sql<Date>`now()` })
      .where('runId', '=', runId)
      .execute();
    return true;
  });
}

export async function getLogHead(db: Db | Tx, runId: string): Promise<LogHead> {
  const head = await db
    .selectFrom('audit.runLogHeads')
    .select(['lines', 'truncated', 'expired'])
    .where('runId', '=', runId)
    .executeTakeFirst();
  return head ?? { lines: 0, truncated: false, expired: false };
}

export interface LogRange {
  readonly runId: string;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly search?: string | undefined;
  readonly limit: number;
}

/** Lines in order. Without `after` the last ones of the range, otherwise the first ones. `search` is a case-insensitive substring. */
export async function readLog(db: Db, { runId, after, before, search, limit }: LogRange): Promise<NumberedLine[]> {
  const pattern = search === undefined ? undefined : `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const fromStart = after !== undefined;
  const { rows } = await sql<NumberedLine>`
    select n, attempt, line ->> 'stream' as stream, line ->> 'text' as text, line ->> 'at' as at from (
      select c.attempt, c.first_line + l.position::int - 1 as n, l.line
      from audit.run_log_chunks c, jsonb_array_elements(c.lines) with ordinality as l (line, position)
      where c.run_id = ${runId} and c.first_line + c.line_count > ${(after ?? 0) + 1} and c.first_line < ${before ?? 2_147_483_647}
    ) numbered
    where n > ${after ?? 0} and n < ${before ?? 2_147_483_647} and (${pattern ?? null}::text is null or line ->> 'text' ilike ${pattern ?? null})
    order by ${fromStart ? sql`n` : sql`n desc`} limit ${limit}`.execute(db);
  return fromStart ? rows : rows.toReversed();
}

/** Removes the logs of runs that finished before `days` ago. Returns the run ids. */
export async function expireLogs(db: Db, { days, limit }: { days: number; limit: number }): Promise<string[]> {
  const { rows } = await sql<{ runId: string }>`
    with old as (
      select h.run_id from audit.run_log_heads h
      where not h.expired and h.updated_at < now() - make_interval(days => ${days})
        and not exists (select from core.agent_runs r where r.id = h.run_id and r.finished_at is null)
      limit ${limit} for update skip locked
    ), gone as (delete from audit.run_log_chunks c using old where c.run_id = old.run_id)
    update audit.run_log_heads h set expired = true from old where h.run_id = old.run_id returning h.run_id`.execute(db);
  return rows.map(({ runId }) => runId);
}
