import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { CliError, usageError } from './cli-error.ts';
import type { Environment } from './config.ts';
import { defaultDataDir } from './data-dir.ts';

/** Where the staff API is and who asks. */
export interface Connection {
  /** With the API's base path, without a slash at the end. */
  readonly apiUrl: string;
  readonly token: string;
  /** Where the token came from, for messages. */
  readonly source: string;
}

export interface ConnectionOptions {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
}

const ConnectionFile = z.object({ api_url: z.url(), admin_token: z.string().min(1) });
export type ConnectionFile = z.infer<typeof ConnectionFile>;

const fileName = 'cli.json';

export function connectionPath(dataDir: string): string {
  return join(dataDir, fileName);
}

/** Readable by its owner only: the token is an admin's. */
export function writeConnectionFile(dataDir: string, { api_url, admin_token }: ConnectionFile): void {
  const path = connectionPath(dataDir);
  rmSync(path, { force: true }); // an older file may have other rights
  writeFileSync(path, `${JSON.stringify({ api_url, admin_token })}\n`, { mode: 0o600, flag: 'wx' });
}

export function removeConnectionFile(dataDir: string): void {
  rmSync(connectionPath(dataDir), { force: true });
}

/** Flags, then the environment, then the file of a running `up`: in CODEXK8S_DATA_DIR, or `.codexk8s` here or in a folder above. */
export function resolveConnection(options: ConnectionOptions, { environment, cwd }: { environment: Environment; cwd: string }): Connection {
  const url = options.url ?? environment['CODEXK8S_URL'];
  const given =
    options.token ?? readTokenFile(options.tokenFile) ?? environment['CODEXK8S_TOKEN'] ?? readTokenFile(environment['CODEXK8S_TOKEN_FILE']);
  if (url !== undefined && given !== undefined) return { apiUrl: apiUrlOf(url), token: given, source: '--token' };
  const found = findConnectionFile(environment['CODEXK8S_DATA_DIR'], cwd);
  if (!found) throw new CliError('forbidden', missing(url, given));
  // A token of one platform is never sent to another.
  if (url !== undefined && apiUrlOf(url) !== found.file.api_url) throw new CliError('forbidden', missing(url, given));
  return { apiUrl: found.file.api_url, token: given ?? found.file.admin_token, source: given === undefined ? found.path : '--token' };
}

function missing(url: string | undefined, token: string | undefined): { code: string; message: string; remedy: string } {
  const names = [...(url === undefined ? ['address (--url)'] : []), ...(token === undefined ? ['token (--token-file)'] : [])];
  return {
    code: 'auth.unauthorized',
    message: `No ${names.join(' and no ')} of a platform is known here.`,
    remedy: 'Start one with `codexk8s up`, or set CODEXK8S_URL and CODEXK8S_TOKEN (or --url and --token-file).',
  };
}

/** Accepts the address that people open as well as the API's own. */
export function apiUrlOf(url: string): string {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw usageError(`--url must be an http or https address, not ${JSON.stringify(url)}.`);
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, '');
  return path.endsWith('/api/v1') ? origin + path : `${origin}${path}/api/v1`;
}

function readTokenFile(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new CliError(
      'usage',
      { code: 'config.invalid', message: `The token file ${path} cannot be read.`, remedy: 'Check the path and its rights.' },
      { cause },
    );
  }
}

function findConnectionFile(dataDir: string | undefined, cwd: string): { path: string; file: ConnectionFile } | undefined {
  if (dataDir !== undefined) return readConnectionFile(connectionPath(resolve(cwd, dataDir)));
  const here = readConnectionFile(connectionPath(join(cwd, defaultDataDir)));
  const parent = dirname(cwd);
  return here ?? (parent === cwd ? undefined : findConnectionFile(undefined, parent));
}

function readConnectionFile(path: string): { path: string; file: ConnectionFile } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined; // no platform was started from this folder
  }
  const result = ConnectionFile.safeParse(parseJson(text));
  if (result.success) return { path, file: result.data };
  throw new CliError('failed', {
    code: 'config.invalid',
    message: `${path} is damaged.`,
    remedy: 'Remove it and start the platform again.',
  });
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
