import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountConsole } from './console.ts';

let folder: string;
let app: FastifyInstance;

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'console-')), 'dist');
  app = fastify();
  await mountConsole(app, { folder });
});

afterEach(async () => {
  await app.close();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

function build(): void {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<title>console</title>');
  writeFileSync(join(folder, 'assets', 'main-1a2b.js'), 'start()');
  writeFileSync(join(folder, '..', 'secret.txt'), 'secret');
}

test('a console that is built after the start is served', async () => {
  const before = await app.inject('/');
  build();

  const page = await app.inject('/runs/1');

  expect(before.body).toContain('not built');
  expect({ body: page.body, cache: page.headers['cache-control'] }).toEqual({ body: '<title>console</title>', cache: 'no-cache' });
});

test('a hashed asset is cached for a year', async () => {
  build();

  const { body, headers } = await app.inject('/assets/main-1a2b.js');

  expect({ body, cache: headers['cache-control'] }).toEqual({ body: 'start()', cache: 'public, max-age=31536000, immutable' });
});

test('an asset of an older build is not found rather than a page', async () => {
  build();

  expect((await app.inject('/assets/old-0000.js')).statusCode).toBe(404);
});

test.each(['/..%2fsecret.txt', '/../secret.txt', '/assets/..%2f..%2fsecret.txt', '/%2e%2e/secret.txt', '/x%00y'])(
  'nothing outside the folder is served: %s',
  async (url) => {
    build();

    const { statusCode, body } = await app.inject(url);

    expect({ failed: statusCode >= 500, leaked: body.includes('secret') }).toEqual({ failed: false, leaked: false });
  },
);
