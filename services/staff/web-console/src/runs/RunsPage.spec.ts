import { afterEach, beforeEach, expect, test } from 'vitest';
import { aRun, uuid } from '../testing/builders.ts';
import { refuse } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

test('a run shows its status in words, its issue and its agent', async () => {
  page = await openConsole('/runs', { listRuns: () => ({ items: [aRun({ status: 'waiting_owner_review', scripted: true })] }) });

  await page.sees('The basket forgets its coupon');

  expect(page.all('status').map((chip) => chip.textContent?.trim())).toEqual(['Waits for review']);
  expect(page.text).toContain('octo-org/web-shop#7');
  expect(page.text).toContain('scripted model, not an AI');
});

test('while the first answer is awaited a skeleton is shown', async () => {
  let answer = (): void => undefined;
  const waits = new Promise<void>((resolve) => (answer = resolve));
  page = await openConsole('/runs', {
    listRuns: async () => {
      await waits;
      return { items: [] };
    },
  });

  expect(await page.find('loading')).toBeTruthy();

  answer();
  await page.find('empty');
});

test('without any run the page says how to start one', async () => {
  page = await openConsole('/runs', { listRuns: () => ({ items: [] }) });

  const empty = await page.find('empty');

  expect(empty.textContent).toContain('A label starts a run');
  expect(empty.querySelector('a')?.getAttribute('href')).toBe('/projects');
});

test('a failed answer is shown with its remedy and can be asked again', async () => {
  let isDown = true;
  page = await openConsole('/runs', {
    listRuns: () =>
      isDown ? refuse(503, 'database.unavailable', 'The database does not answer.', { remedy: 'Wait a little.' }) : { items: [aRun()] },
  });
  await page.sees('Wait a little.');
  expect(page.text).toContain('database.unavailable');

  isDown = false;
  await page.clickText('Try again');

  await page.sees('The basket forgets its coupon');
});

test('filters of the address reach the API', async () => {
  page = await openConsole(`/runs?status=failed&status=timed_out&project=${uuid(21)}&agent=dev&q=basket&issue=7&status=nonsense`, {
    listRuns: () => ({ items: [] }),
  });

  await page.sees('No run matches');

  const query = new URLSearchParams((await page.called('listRuns')).query);
  expect(query.getAll('status')).toEqual(['failed', 'timed_out']);
  expect(Object.fromEntries(query)).toMatchObject({ project_id: uuid(21), agent_key: 'dev', q: 'basket', issue_number: '7' });
});

test('choosing a status writes it into the address, clearing removes it', async () => {
  page = await openConsole('/runs', { listRuns: () => ({ items: [] }) });
  await page.find('empty');

  await page.clickText('Failed');
  await page.until('the filter in the address', () => page.router.currentRoute.value.query['status']);
  expect(page.router.currentRoute.value.query['status']).toEqual(['failed', 'timed_out']);

  await page.clickText('Clear filters');
  await page.until('no filter', () => page.router.currentRoute.value.query['status'] === undefined);
});

test('words of the search field are written into the address', async () => {
  page = await openConsole('/runs', { listRuns: () => ({ items: [aRun()] }) });

  await page.type('input[type="search"]', 'coupon');

  await page.until('the words in the address', () => page.router.currentRoute.value.query['q'] === 'coupon');
});

test('more pages are loaded with the cursor of the page before', async () => {
  page = await openConsole('/runs', {
    listRuns: ({ query }) =>
      query.get('cursor') === 'second'
        ? { items: [aRun({ id: uuid(102), issue_title: 'Second page' })] }
        : { items: [aRun()], next_cursor: 'second' },
  });

  await page.click('more');

  await page.sees('Second page');
  expect(page.text).toContain('The basket forgets its coupon');
  expect(page.all('more')).toEqual([]);
});

test('j and k move through the runs and Enter would open the focused one', async () => {
  page = await openConsole('/runs', {
    listRuns: () => ({ items: [aRun(), aRun({ id: uuid(102), issue_title: 'The other one' })] }),
  });
  await page.sees('The other one');

  page.press('j');
  page.press('j');
  expect(document.activeElement?.getAttribute('href')).toBe(`/runs/${uuid(102)}`);

  page.press('k');
  expect(document.activeElement?.getAttribute('href')).toBe(`/runs/${uuid(101)}`);
});
