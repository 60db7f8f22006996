import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

/** What the figures were measured on, as one line of a report. */
export function describeMachine(postgresBin?: string): string {
  const facts = [
    `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `Node.js ${process.versions.node}`,
    ...(postgresBin === undefined ? [] : [postgresVersion(postgresBin)]),
    `load average before the start ${(loadavg()[0] ?? 0).toFixed(2)}`,
  ];
  return facts.join(', ');
}

function postgresVersion(bin: string): string {
  const [, version = 'unknown'] = /\) (\S+)/.exec(execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' })) ?? [];
  return `PostgreSQL ${version}`;
}
