import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * All state but the git objects: JSON documents in one SQLite table. `kind` is the collection, `parent` what a document belongs to
 * (mostly a repository id), `name` its unique name there. WAL with `synchronous = normal` survives kill -9 of this process.
 */
export interface Documents {
  readonly collection: <T extends Document>(kind: string) => Collection<T>;
  /** All or nothing; may be nested. The callback must not wait for anything. */
  readonly transaction: <T>(work: () => T) => T;
  readonly close: () => void;
}

export interface Document {
  readonly id: number;
}

export interface Place {
  readonly parent: number | string;
  /** Unique within the parent; the document's id when left out. */
  readonly name?: string | number;
}

export interface Collection<T extends Document> {
  get(id: number): T | undefined;
  find(parent: number | string, name: string | number): T | undefined;
  /** By id, ascending. */
  list(parent: number | string): T[];
  /** The first with a greater id. */
  next(parent: number | string, id: number): T | undefined;
  /** The newest with a smaller id, by id, descending. */
  before(parent: number | string, page: { readonly id: number; readonly limit: number }): T[];
  count(parent: number | string, field: keyof T & string, value: string): number;
  all(): T[];
  insert(place: Place, draft: Omit<T, 'id'>): T;
  /** Replaces the fields named; answers the new document. */
  change(document: T, fields: Partial<Omit<T, 'id'>>): T;
  rename(document: T, name: string): void;
  remove(document: T): void;
}

const schema = `
  pragma journal_mode = wal;
  pragma synchronous = normal;
  pragma busy_timeout = 5000;
  create table if not exists documents (
    kind text not null, id integer not null, parent text not null, name text not null, body text not null,
    primary key (kind, id)
  ) without rowid;
  create unique index if not exists documents_by_name on documents (kind, parent, name);
  create index if not exists documents_by_parent on documents (kind, parent, id);
  create table if not exists sequences (kind text primary key, last integer not null) without rowid;`;

export function openDocuments(path: string): Documents {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec(schema);
  let depth = 0;

  function transaction<T>(work: () => T): T {
    if (depth > 0) return work();
    db.exec('begin immediate');
    depth += 1;
    try {
      const result = work();
      db.exec('commit');
      return result;
    } catch (error) {
      db.exec('rollback');
      throw error;
    } finally {
      depth -= 1;
    }
  }

  return { transaction, collection: (kind) => openCollection(db, kind, transaction), close: () => db.close() };
}

/** Named, since SQLite would rather read all of a kind than sort. */
const ofParent = 'select body from documents indexed by documents_by_parent where kind = ? and parent = ?';

function openCollection<T extends Document>(db: DatabaseSync, kind: string, transaction: <R>(work: () => R) => R): Collection<T> {
  const byId = db.prepare('select body from documents where kind = ? and id = ?');
  const byName = db.prepare('select body from documents where kind = ? and parent = ? and name = ?');
  const byParent = db.prepare(`${ofParent} order by id`);
  const later = db.prepare(`${ofParent} and id > ? order by id limit 1`);
  const earlier = db.prepare(`${ofParent} and id < ? order by id desc limit ?`);
  const counted = db.prepare(
    "select count(*) as n from documents indexed by documents_by_parent where kind = ? and parent = ? and body ->> ('$.' || ?) = ?",
  );
  const every = db.prepare('select body from documents where kind = ? order by id');
  const nextId = db.prepare(
    'insert into sequences (kind, last) values (?, 1) on conflict (kind) do update set last = last + 1 returning last',
  );
  const add = db.prepare('insert into documents (kind, id, parent, name, body) values (?, ?, ?, ?, ?)');
  const update = db.prepare('update documents set body = ? where kind = ? and id = ?');
  const renameTo = db.prepare('update documents set name = ? where kind = ? and id = ?');
  const drop = db.prepare('delete from documents where kind = ? and id = ?');
  // The bodies were written by this module as T, so reading them back as T holds.
  const read = (row: Record<string, unknown> | undefined): T | undefined =>
    row === undefined ? undefined : (JSON.parse(String(row['body'])) as T);
  const readAll = (rows: Record<string, unknown>[]): T[] => rows.flatMap((row) => read(row) ?? []);

  return {
    get: (id) => read(byId.get(kind, id)),
    find: (parent, name) => read(byName.get(kind, String(parent), String(name))),
    list: (parent) => readAll(byParent.all(kind, String(parent))),
    next: (parent, id) => read(later.get(kind, String(parent), id)),
    before: (parent, { id, limit }) => readAll(earlier.all(kind, String(parent), id, limit)),
    count: (parent, field, value) => Number(counted.get(kind, String(parent), field, value)?.['n']),
    all: () => readAll(every.all(kind)),
    insert: ({ parent, name }, draft) =>
      transaction(() => {
        const id = Number(nextId.get(kind)?.['last']);
        const document = { ...draft, id } as T; // a draft with its id is a T
        add.run(kind, id, String(parent), String(name ?? id), JSON.stringify(document));
        return document;
      }),
    change: (document, fields) => {
      const current = read(byId.get(kind, document.id)) ?? document;
      const next = { ...current, ...fields };
      update.run(JSON.stringify(next), kind, document.id);
      return next;
    },
    rename: (document, name) => void renameTo.run(name, kind, document.id),
    remove: (document) => void drop.run(kind, document.id),
  };
}
