import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findInstalled, paths } from './repository-paths.ts';

const sources = [
  'services/staff/web-console/index.html',
  'services/staff/web-console/package.json',
  'services/staff/web-console/public',
  'services/staff/web-console/src',
  'services/staff/web-console/vite.config.ts',
  'contracts/gen/staff',
  'libs/domain/src',
].map((path) => join(paths.root, path));

export const consoleDist = join(paths.console, 'dist');

/** Built, and not older than what it is built from. */
export function isConsoleFresh(): boolean {
  const page = statSync(join(consoleDist, 'index.html'), { throwIfNoEntry: false });
  return page !== undefined && Math.max(...sources.map(newestChange)) <= page.mtimeMs;
}

function newestChange(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

export interface Build {
  /** Undefined: it is built. */
  readonly problem: string | undefined;
  readonly ms: number;
}

/** Builds the console beside the old one and then takes its place, so a running platform never serves half of one. */
export async function buildConsole(signal: AbortSignal): Promise<Build> {
  const startedAt = performance.now();
  const vite = findInstalled('vite/bin/vite.js', paths.console);
  if (vite === undefined) return { problem: 'vite is not installed; run npm ci.', ms: 0 };
  const fresh = join(paths.console, `dist-${process.pid}.tmp`);
  try {
    const problem = await runVite(vite, fresh, signal);
    if (problem === undefined) replaceFolder(consoleDist, fresh);
    return { problem, ms: Math.round(performance.now() - startedAt) };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function runVite(vite: string, outDir: string, signal: AbortSignal): Promise<string | undefined> {
  const child = spawn(process.execPath, [vite, 'build', '--outDir', outDir, '--logLevel', 'error'], {
    cwd: paths.console,
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  try {
    const [code] = await once(child, 'close');
    return code === 0 && existsSync(join(outDir, 'index.html')) ? undefined : output.trim() || `vite ended with code ${String(code)}.`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function replaceFolder(old: string, fresh: string): void {
  const away = `${fresh}.old.tmp`;
  mkdirSync(old, { recursive: true });
  renameSync(old, away);
  renameSync(fresh, old);
  rmSync(away, { recursive: true, force: true });
}
