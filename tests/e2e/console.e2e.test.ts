/** A person's way through the real console in a real browser; its screenshots are the ones the documents show. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, selectors, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTrial, trialFolder, type Trial } from './trial-platform.ts';

selectors.setTestIdAttribute('data-test');

const root = join(import.meta.dirname, '..', '..');
/** Committed pictures are made on purpose only: `CODEXK8S_DOC_IMAGES=1 npm run test:e2e`. */
const images = process.env['CODEXK8S_DOC_IMAGES'] === '1' ? join(root, 'docs/images') : undefined;
const folder = trialFolder();
let trial: Trial;
let browser: Browser;

beforeAll(async () => {
  execFileSync('npm', ['run', '-s', 'build', '-w', 'services/staff/web-console'], { cwd: root, stdio: 'ignore' });
  trial = await startTrial({ dataDir: folder.path });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
});
afterAll(async () => {
  await browser.close();
  await trial.stop();
  folder.remove();
});

async function picture(page: Page, name: string): Promise<void> {
  if (!images) return;
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: join(images, `${name}.png`) });
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe: engine } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    }; // put there by the line above
    return (await engine.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
  return found;
}

test('signing in, starting a run on an issue, watching it, and approving the pull request', async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en', colorScheme: 'light' });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));

  await page.goto(trial.consoleUrl);
  await page.goto(new URL('/projects', trial.consoleUrl).href);
  await page.getByRole('link', { name: 'Demo' }).first().click();
  await page.waitForURL(/projects\/[0-9a-f-]{36}/);
  await page.goto(page.url().replace(/(projects\/[0-9a-f-]{36}).*/, '$1/issues'));
  const issue = page.getByTestId('issue').filter({ hasText: 'Greet in Russian too' });
  await issue.getByTestId('start').click();
  await page.getByTestId('trigger').first().click();
  await page.getByRole('link', { name: 'Runs' }).first().click();
  await page.getByText('Greet in Russian too').first().click();
  await page.getByText('greets in Russian').first().waitFor();
  await picture(page, 'run-log');
  await page
    .getByText(/waiting for the owner|owner review/i)
    .first()
    .waitFor();
  await page.goto(page.url().replace(/\?.*$/, '?tab=evidence'));
  await page.locator('h1').waitFor();
  expect(await violations(page)).toEqual([]);
  await picture(page, 'run-page');

  await page
    .getByRole('link', { name: /Approvals/ })
    .first()
    .click();
  await page.getByTestId('approve').first().waitFor();
  expect(await violations(page)).toEqual([]);
  await picture(page, 'approvals');
  await page.getByTestId('approve').first().click();
  const confirm = page.getByTestId('confirm');
  if (await confirm.count()) await confirm.click();
  await page.getByRole('link', { name: 'Runs' }).first().click();
  await page
    .getByText(/succeeded|done/i)
    .first()
    .waitFor();
  expect(await violations(page)).toEqual([]);
  await picture(page, 'runs');

  expect(problems).toEqual([]);
});
