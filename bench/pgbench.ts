/** PostgreSQL's own load tool: what the server can do without any of our code. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PgbenchOptions {
  readonly url: string;
  readonly binDir: string;
  readonly connections: number;
  readonly for: { readonly seconds: number } | { readonly transactionsEach: number };
}

/** Transactions per second of a script; each connection sends the next when the last is committed. */
export function runPgbench(script: string, { url, binDir, connections, for: limit }: PgbenchOptions): number {
  const folder = mkdtempSync(join(tmpdir(), 'codexk8s-pgbench-'));
  try {
    const path = join(folder, 'script.sql');
    writeFileSync(path, script.replaceAll('\n', ' '));
    const output = execFileSync(
      join(binDir, 'pgbench'),
      [
        '--no-vacuum',
        '--protocol=prepared',
        `--client=${connections}`,
        '--jobs=1',
        'seconds' in limit ? `--time=${limit.seconds}` : `--transactions=${limit.transactionsEach}`,
        `--file=${path}`,
        url,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const [, tps] = /tps = ([\d.]+)/.exec(output) ?? [];
    if (tps === undefined || !output.includes('failed transactions: 0 ')) throw new Error(`pgbench:\n${output}`);
    return Number(tps);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
