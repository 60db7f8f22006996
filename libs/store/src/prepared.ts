/**
 * Statements of the busiest path are planned once per connection: planning one costs as much as running it. A statement asks for it by
 * beginning with the mark below. It must name its columns, since a plan of `select *` fails for good once a migration adds one, and
 * its text must not depend on its arguments. Rejected: preparing everything, for both reasons.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';

const mark = '/* prepared */';

/** Gives marked statements of this connection a name, which is how the driver is told to keep their plan. */
export function prepareMarked(client: pg.PoolClient): void {
  const names = new Map<string, string>();
  const nameOf = (text: string): string => {
    const name = names.get(text) ?? createHash('sha256').update(text).digest('hex').slice(0, 32);
    names.set(text, name);
    return name;
  };
  const query = client.query.bind(client) as (text: unknown, ...rest: unknown[]) => unknown; // any of its overloads
  client.query = ((text: unknown, ...rest: unknown[]) =>
    typeof text === 'string' && text.startsWith(mark)
      ? query({ name: nameOf(text), text }, ...rest)
      : query(text, ...rest)) as typeof client.query;
}
