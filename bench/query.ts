import pg from 'pg';

/** One statement over a connection of its own. */
export async function query<T extends pg.QueryResultRow>(url: string, sql: string, values: readonly unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** The process that all of the server's others come from. */
export async function serverPid(url: string): Promise<number> {
  const [row] = await query<{ pid: number }>(url, "select split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int as pid");
  if (!row) throw new Error('PostgreSQL did not say its process id');
  return row.pid;
}
