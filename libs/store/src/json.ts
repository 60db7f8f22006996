import { sql, type RawBuilder } from 'kysely';

/** A value for a jsonb column; said explicitly, because the driver would turn an array into a PostgreSQL array. */
export function asJson(value: unknown): RawBuilder<string> {
  return sql<string>`cast(${JSON.stringify(value)} as jsonb)`;
}
