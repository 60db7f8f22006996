import { mkdirSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, selectors, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkViews, type Look } from './check-pages.ts';
import { serveConsole } from './console-server.ts';

/** Needs `npm run build` and a Chromium; screenshots of every view stay in the folder for people to look at. */
const folder = join(tmpdir(), 'codexk8s-console');
const looks: Look[] = (['light', 'dark'] as const).flatMap((theme) =>
  (['en', 'ru'] as const).flatMap((locale) => [1440, 390].map((width) => ({ theme, locale, width }))),
);

let server: Server;
let browser: Browser;
beforeAll(async () => {
  selectors.setTestIdAttribute('data-test');
  mkdirSync(folder, { recursive: true });
  server = await serveConsole();
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
});
afterAll(async () => {
  await browser.close();
  server.close();
});

test.for(looks)('the console is free of errors and accessible: $theme, $locale, $width', async (look) => {
  const { port } = server.address() as AddressInfo; // a TCP server's address
  const problems = await checkViews(browser, `http://127.0.0.1:${port}`, look, folder);
  expect(problems).toEqual([]);
});
