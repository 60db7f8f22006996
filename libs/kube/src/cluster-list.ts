/**
 * Lists as the API server prints them for people (`kubectl get`): it counts what is ready and says why a pod does not start, in the words of its own
 * version, and the values of Secrets do not even leave it.
 */
import { AppError, type ClusterKind, type ObjectLabels } from '@codex-k8s/domain';
import type { Kube } from './client.ts';
import { listPath } from './cluster-resources.ts';
import { textOf } from './json.ts';
import { askKubeJson } from './kube-request.ts';

export interface ListedObject {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly createdAt: Date;
  readonly isDeleting: boolean;
  readonly labels: ObjectLabels;
  /** Printed columns by name in snake case, without name and age. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface ListQuery {
  readonly kind: ClusterKind;
  readonly namespace?: string | undefined;
  /** Part of the name. */
  readonly name?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface ListPage {
  readonly objects: readonly ListedObject[];
  readonly nextCursor: string | undefined;
}

interface Table {
  readonly metadata: { readonly continue?: string };
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows?: readonly {
    readonly cells: readonly unknown[];
    readonly object: {
      readonly metadata: {
        readonly name: string;
        readonly namespace?: string;
        readonly uid: string;
        readonly creationTimestamp: string;
        readonly deletionTimestamp?: string;
        readonly labels?: ObjectLabels;
      };
    };
  }[];
}

/** Searching by name reads this many objects per answer at most; the next cursor goes on from there. */
const searchedAtOnce = 500;
const searchedPages = 10;

/** `kube.list_expired`: the cluster forgot where the list was, some minutes later. */
export async function listClusterObjects(kube: Kube, query: ListQuery): Promise<ListPage> {
  const { name, limit } = query;
  let at = readCursor(query.cursor);
  if (name === undefined) {
    const table = await readTable(kube, query, { continueFrom: at.continueFrom, limit });
    return { objects: objectsOf(table), nextCursor: cursorAt(table.metadata.continue) };
  }
  const found: ListedObject[] = [];
  for (let page = 0; page < searchedPages; page++) {
    const table = await readTable(kube, query, { continueFrom: at.continueFrom, limit: searchedAtOnce });
    const matches = objectsOf(table).filter((one) => one.name.includes(name));
    const taken = matches.slice(at.skip, at.skip + limit - found.length);
    found.push(...taken);
    if (at.skip + taken.length < matches.length) {
      return { objects: found, nextCursor: writeCursor({ continueFrom: at.continueFrom, skip: at.skip + taken.length }) };
    }
    if (!table.metadata.continue) return { objects: found, nextCursor: undefined };
    at = { continueFrom: table.metadata.continue, skip: 0 };
    if (found.length === limit) break;
  }
  return { objects: found, nextCursor: writeCursor(at) };
}

async function readTable(
  kube: Kube,
  { kind, namespace }: ListQuery,
  { continueFrom, limit }: { continueFrom: string; limit: number },
): Promise<Table> {
  const table = await askKubeJson(kube, {
    what: `The ${kind}`,
    path: listPath(kind, namespace),
    query: { limit, continue: continueFrom, includeObject: 'Metadata' },
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  return table as Table; // the API's own form, which was asked for
}

function objectsOf({ columnDefinitions, rows = [] }: Table): ListedObject[] {
  return rows.map(({ cells, object: { metadata } }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    createdAt: new Date(metadata.creationTimestamp),
    isDeleting: metadata.deletionTimestamp !== undefined,
    labels: metadata.labels ?? {},
    columns: Object.fromEntries(
      columnDefinitions
        .map(({ name, priority }, index) => ({ name: name.toLowerCase().replaceAll(/[^a-z]+/g, '_'), priority, cell: cells[index] }))
        .filter(({ name, priority }) => priority === 0 && name !== 'name' && name !== 'age')
        .map(({ name, cell }) => [name, cell === '<none>' || cell === '<unset>' ? '' : textOf(cell)]),
    ),
  }));
}

/** Where a list goes on: the cluster's own token, and how many found ones of that part were shown already. */
interface Cursor {
  readonly continueFrom: string;
  readonly skip: number;
}

function cursorAt(continueFrom: string | undefined): string | undefined {
  return continueFrom ? writeCursor({ continueFrom, skip: 0 }) : undefined;
}

function writeCursor({ continueFrom, skip }: Cursor): string {
  return Buffer.from(JSON.stringify([continueFrom, skip])).toString('base64url');
}

function readCursor(text: string | undefined): Cursor {
  if (text === undefined) return { continueFrom: '', skip: 0 };
  const value = parse(Buffer.from(text, 'base64url').toString());
  if (!Array.isArray(value) || typeof value[0] !== 'string' || !Number.isSafeInteger(value[1])) {
    throw new AppError('request.invalid', 'The cursor is not one of this list.', { field: 'query.cursor' });
  }
  return { continueFrom: value[0], skip: Number(value[1]) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
