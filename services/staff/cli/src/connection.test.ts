import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asCliError } from './cli-error.ts';
import { apiUrlOf, connectionPath, removeConnectionFile, resolveConnection, writeConnectionFile } from './connection.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-connection-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const running = { api_url: 'http://127.0.0.1:8080/api/v1', admin_token: 'token-of-up' };

function startedIn(path: string): void {
  mkdirSync(path, { recursive: true });
  writeConnectionFile(path, running);
}

test('flags win over the environment, the environment over the file', () => {
  startedIn(join(folder, '.codexk8s'));
  const environment = { CODEXK8S_URL: 'http://env.example', CODEXK8S_TOKEN: 'env' };

  const both = resolveConnection({ url: 'http://flag.example', token: 'flag' }, { environment, cwd: folder });
  const env = resolveConnection({}, { environment, cwd: folder });
  const file = resolveConnection({}, { environment: {}, cwd: folder });

  expect([both, env, file].map(({ apiUrl, token }) => [apiUrl, token])).toEqual([
    ['http://flag.example/api/v1', 'flag'],
    ['http://env.example/api/v1', 'env'],
    [running.api_url, running.admin_token],
  ]);
});

test('the file is found from a folder below, and in CODEXK8S_DATA_DIR only when that is set', () => {
  startedIn(join(folder, '.codexk8s'));
  const below = join(folder, 'a', 'b');
  mkdirSync(below, { recursive: true });

  expect(resolveConnection({}, { environment: {}, cwd: below }).token).toBe('token-of-up');
  expect(() => resolveConnection({}, { environment: { CODEXK8S_DATA_DIR: 'elsewhere' }, cwd: below })).toThrow('is known here');
});

test("a platform's token is never sent to another address", () => {
  startedIn(join(folder, '.codexk8s'));

  expect(() => resolveConnection({ url: 'http://evil.example' }, { environment: {}, cwd: folder })).toThrow('No token');
});

test('a token alone goes to the platform that runs here', () => {
  startedIn(join(folder, '.codexk8s'));

  expect(resolveConnection({ token: 'mine' }, { environment: {}, cwd: folder })).toMatchObject({ apiUrl: running.api_url, token: 'mine' });
});

test('a token file is read without its line end', () => {
  writeFileSync(join(folder, 't'), 'secret\n');

  const { token } = resolveConnection({ url: 'http://x.example', tokenFile: join(folder, 't') }, { environment: {}, cwd: folder });

  expect(token).toBe('secret');
});

test('only the owner can read the file, whatever rights an older one had', () => {
  mkdirSync(join(folder, 'd'));
  writeFileSync(connectionPath(join(folder, 'd')), 'old', { mode: 0o644 });

  writeConnectionFile(join(folder, 'd'), running);

  expect(statSync(connectionPath(join(folder, 'd'))).mode & 0o777).toBe(0o600);
  removeConnectionFile(join(folder, 'd'));
  removeConnectionFile(join(folder, 'd')); // twice is no error
});

test('nothing known exits with 3 and says what to do', () => {
  try {
    resolveConnection({}, { environment: {}, cwd: folder });
    expect.unreachable();
  } catch (error) {
    expect(asCliError(error)).toMatchObject({ exit: 'forbidden', problem: { code: 'auth.unauthorized' } });
  }
});

test.each([
  ['https://ck.example', 'https://ck.example/api/v1'],
  ['https://ck.example/', 'https://ck.example/api/v1'],
  ['https://ck.example/api/v1/', 'https://ck.example/api/v1'],
  ['http://ck.example:81/base', 'http://ck.example:81/base/api/v1'],
])('%s means %s', (url, api) => {
  expect(apiUrlOf(url)).toBe(api);
});

test.each(['ck.example', 'ftp://ck.example', ''])('%j is no address', (url) => {
  expect(() => apiUrlOf(url)).toThrow('--url must be');
});
