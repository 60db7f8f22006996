import axe from 'axe-core';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { noon, uuid } from '../src/testing/builders.ts';

export interface Look {
  readonly theme: 'light' | 'dark';
  readonly locale: 'en' | 'ru';
  readonly width: number;
}

/** A page of the console in a state worth looking at. */
export interface View {
  readonly name: string;
  readonly path: string;
  readonly signedOut?: true;
  readonly act?: (page: Page) => Promise<unknown>;
}

async function searchLog(page: Page): Promise<void> {
  await page.getByTestId('log-search').fill('needle');
  await page.getByTestId('matches').waitFor();
}

/** Edits the object's text and lets the cluster try it. */
async function tryChange(page: Page, words: string): Promise<void> {
  await page.getByTestId('edit').click();
  await page.getByTestId('yaml').locator('.view-lines').click();
  await page.keyboard.insertText(words); // keys would meet the editor's own clock, which the fixed one breaks
  await page.getByTestId('try').click();
  await page.locator('[data-test="diff"] .view-line').first().waitFor();
}

const object = (path: string): string => `/admin/${path}?namespace=shop`;
const run = (n: number, more = ''): string => `/runs/${uuid(n)}${more}`;
const project = (tab: string): string => `/projects/${uuid(21)}/${tab}`;

export const views: readonly View[] = [
  { name: 'sign-in', path: '/runs', signedOut: true },
  { name: 'runs', path: '/runs' },
  { name: 'runs-empty', path: '/runs?status=nonsense&status=running&agent=none' },
  { name: 'run-log', path: run(101) },
  { name: 'run-log-search', path: run(101, '?tab=log'), act: searchLog },
  { name: 'run-review', path: run(102) },
  { name: 'run-changes', path: run(102, '?tab=changes') },
  { name: 'run-timeline', path: run(102, '?tab=timeline'), act: async (page) => page.locator('.events button:enabled').first().click() },
  { name: 'run-failed', path: run(103) },
  { name: 'run-pending', path: run(108, '?tab=log') },
  { name: 'run-scripted', path: run(105) },
  { name: 'run-cancel', path: run(101, '?tab=timeline'), act: async (page) => page.getByTestId('cancel').click() },
  { name: 'approvals', path: '/approvals' },
  { name: 'approvals-decided', path: '/approvals?view=decided' },
  { name: 'approvals-dialog', path: '/approvals', act: async (page) => page.getByTestId('deny').nth(1).click() },
  { name: 'projects', path: '/projects' },
  { name: 'project-create', path: '/projects', act: async (page) => page.getByTestId('create').click() },
  { name: 'repositories', path: project('repositories') },
  { name: 'repository-add', path: project('repositories'), act: async (page) => page.getByTestId('add').click() },
  { name: 'issues', path: project('issues') },
  { name: 'issues-start', path: project('issues'), act: async (page) => page.getByTestId('start').first().click() },
  { name: 'members', path: project('members') },
  { name: 'settings', path: project('settings') },
  { name: 'users', path: '/users' },
  { name: 'cluster', path: '/admin/pods?namespace=shop' },
  { name: 'cluster-empty', path: '/admin/jobs?name=nothing' },
  { name: 'cluster-object', path: object('configmaps/shop-settings') },
  { name: 'cluster-guarded', path: object('configmaps/gateway') },
  { name: 'cluster-change', path: object('configmaps/shop-settings'), act: async (page) => tryChange(page, '# green') },
  { name: 'cluster-keys', path: `${object('secrets/payment')}&tab=keys` },
  { name: 'cluster-logs', path: `${object('jobs/shop-import')}&tab=logs` },
  {
    name: 'cluster-delete',
    path: object('configmaps/shop-settings'),
    act: async (page) => {
      await page.getByTestId('delete').click();
      await page.getByTestId('delete-tried').waitFor();
    },
  },
  { name: 'agents', path: '/configuration/agents' },
  { name: 'help', path: '/runs', act: async (page) => page.keyboard.press('?') },
  { name: 'palette', path: '/runs', act: async (page) => page.keyboard.press('Control+k') },
  { name: 'platform', path: '/configuration/agents', act: async (page) => page.getByTestId('platform').click() },
  { name: 'account', path: '/configuration/agents', act: async (page) => page.getByTestId('account').click() },
  { name: 'not-found', path: '/nowhere' },
];

/** Opens every view in one look and returns what is wrong: console errors, broken policy, accessibility, sideways scrolling. */
export async function checkViews(browser: Browser, origin: string, look: Look, folder: string): Promise<string[]> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: 900 },
    locale: look.locale,
    colorScheme: look.theme,
    reducedMotion: 'reduce',
  });
  const problems: string[] = [];
  let view: View | undefined;
  const report = (problem: string): unknown => problems.push(`${view?.name} (${look.theme}, ${look.locale}, ${look.width}): ${problem}`);
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => {
      const isExpected = message.text().includes('401') && view?.signedOut;
      if (['error', 'warning'].includes(message.type()) && !isExpected) report(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => report(`error: ${error.message}`));
    await page.clock.setFixedTime(noon);
    for (view of views) {
      await (view.signedOut ? context.addCookies([{ name: 'signed_out', value: '1', url: origin }]) : context.clearCookies());
      await page.goto(`${origin}${view.path}`);
      await page.locator('h1').first().waitFor();
      await settled(page);
      await view.act?.(page);
      if (view.act) await settled(page);
      await page.screenshot({ path: join(folder, `${view.name}-${look.theme}-${look.locale}-${look.width}.png`) });
      for (const problem of [...(await accessibility(page)), ...(await overflow(page))]) report(problem);
    }
  } finally {
    await context.close();
  }
  return problems;
}

async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every((animation) => animation.playState !== 'running' || animation.effect?.getTiming().iterations === Infinity),
  );
  await page.waitForTimeout(120); // menus and dialogs place themselves a frame later
}

async function accessibility(page: Page): Promise<string[]> {
  // Evaluated by the debugger, so the page's own policy stays as strict as it is.
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] });
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${html.slice(0, 200)} | ${failureSummary?.split('\n').slice(1, 3).join(' ')}`)
          .join(' ;; ')}`,
    );
  });
  return found.map((violation) => `axe ${violation}`);
}

async function overflow(page: Page): Promise<string[]> {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return wide > 0 ? [`the page scrolls sideways by ${wide}px`] : [];
}
