import type { z } from 'zod';
import { GithubError, validationFailed, type FieldProblem } from '../errors.ts';
import type { Forge } from '../forge.ts';
import type { RepositoryRecord, TokenRecord, UserRecord } from '../store/records.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Who may call: anybody, anybody signed in, or a permission in the repository of the path (`comment`: signed in and able to read). */
export type Access = 'public' | 'signed-in' | 'read' | 'comment' | 'triage' | 'write' | 'admin';

export interface Call {
  readonly forge: Forge;
  readonly user: UserRecord | undefined;
  readonly token: TokenRecord | undefined;
  /** Path parameters, decoded; `*` is the rest of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly accept: string;
  /** The address asked for, for Link headers. */
  readonly url: URL;
}

export interface RepositoryCall extends Call {
  readonly repository: RepositoryRecord;
}

export interface Answer {
  readonly status?: number;
  /** Undefined: no content. A string is sent as it is, with `type`. */
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface RouteOf<A extends Access, C extends Call> {
  readonly method: Method;
  /** Fastify's spelling below the API base; `:owner/:repo` names the repository. */
  readonly path: string;
  readonly access: A;
  readonly handle: (call: C) => Answer | Promise<Answer>;
}

export type Route = RouteOf<'public' | 'signed-in', Call> | RouteOf<'read' | 'comment' | 'triage' | 'write' | 'admin', RepositoryCall>;

export function signedIn({ user }: Call): UserRecord {
  if (!user) throw new GithubError(401, 'Requires authentication');
  return user;
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function created(body: unknown, location?: string): Answer {
  return { status: 201, body, ...(location === undefined ? {} : { headers: { location } }) };
}

export const noContent: Answer = { status: 204 };

/** The body as the schema says, or 422 in GitHub's words (sentences for the routes that name no resource); no object is 400. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown, resource: string | undefined): T {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  if (typeof body !== 'object' && body !== undefined) throw new GithubError(400, 'Body should be a JSON object');
  const { issues } = result.error;
  throw validationFailed(...issues.map((issue) => (resource === undefined ? sentenceOf(issue) : problemOf(issue, resource))));
}

function sentenceOf({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`;
}

function problemOf(issue: z.core.$ZodIssue, resource: string): FieldProblem {
  const missing = issue.code === 'invalid_type' && issue.input === undefined && issue.message.includes('undefined');
  return { resource, field: issue.path.join('.'), code: missing ? 'missing_field' : 'invalid' };
}

export function pageOf(query: Readonly<Record<string, string>>): { page: number; perPage: number } {
  const page = Math.max(1, Math.trunc(Number(query['page'])) || 1);
  const perPage = Math.min(100, Math.max(1, Math.trunc(Number(query['per_page'])) || 30));
  return { page, perPage };
}

/** One page of a list with its Link header; only the items shown are presented. `wrap` puts them under a key with `total_count`. */
export function paged<T>({ query, url }: Call, items: readonly T[], present: (item: T) => unknown, wrap?: string): Answer {
  const { page, perPage } = pageOf(query);
  const shown = items.slice((page - 1) * perPage, page * perPage).map(present);
  const headers = linkHeader(url, page, Math.max(1, Math.ceil(items.length / perPage)));
  return { status: 200, body: wrap === undefined ? shown : { total_count: items.length, [wrap]: shown }, headers };
}

function linkHeader(url: URL, page: number, last: number): Record<string, string> {
  const to = (number: number, rel: string): string => {
    const target = new URL(url);
    target.searchParams.set('page', String(number));
    return `<${target.href}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [to(page - 1, 'prev')] : []),
    ...(page < last ? [to(page + 1, 'next'), to(last, 'last')] : []),
    ...(page > 1 ? [to(1, 'first')] : []),
  ];
  return links.length === 0 ? {} : { link: links.join(', ') };
}
