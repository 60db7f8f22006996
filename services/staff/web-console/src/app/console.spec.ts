import { afterEach, beforeEach, expect, test } from 'vitest';
import { aMe, anApproval, aPlatform, aRun } from '../testing/builders.ts';
import { refuse, type Handlers } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => {
  localStorage.clear();
  localStorage.setItem('codexk8s_locale', 'en');
});
afterEach(() => page.close());

const noRuns: Handlers = { listRuns: () => ({ items: [] }) };

test('without a session the sign-in page leads back to the page that was asked for', async () => {
  page = await openConsole('/approvals?view=decided', { getMe: () => refuse(401, 'auth.unauthorized', 'Sign in.') });

  const button = await page.find('sign-in');

  expect(button.getAttribute('href')).toContain('/api/v1/auth/github/login?return_to=%2Fapprovals%3Fview%3Ddecided');
});

test('a session that ends while the console is open gives the sign-in page', async () => {
  page = await openConsole('/runs', { listRuns: () => refuse(401, 'auth.unauthorized', 'The session is over.') });

  await page.find('sign-in');
});

test('when the platform does not answer the page says so and tries again', async () => {
  let isDown = true;
  page = await openConsole('/runs', {
    ...noRuns,
    getMe: () => (isDown ? refuse(503, 'service.unavailable', 'The platform is starting.') : aMe()),
  });
  await page.sees('The platform is starting.');

  isDown = false;
  await page.clickText('Try again');

  await page.find('empty');
});

test('groups without a page are not shown, and users only to platform admins', async () => {
  page = await openConsole('/users', { getMe: () => aMe({ is_platform_admin: false }) });

  await page.sees('Nothing here');

  const groups = [...document.querySelectorAll('.group-title')].map((title) => title.textContent);
  expect(groups).toEqual(['Operations', 'Platform', 'Configuration']);
});

test('the number of requests the reader can decide stands beside Approvals', async () => {
  page = await openConsole('/runs', {
    ...noRuns,
    listApprovals: () => ({ items: [anApproval(), anApproval({ id: 6 }), anApproval({ id: 7, can_decide: false })] }),
  });

  await page.until('the badge', () => document.querySelector('.badge')?.textContent?.trim() === '2');
});

test('a platform that is not isolated says so on every page, one that is does not', async () => {
  page = await openConsole('/runs', { ...noRuns, getPlatform: () => aPlatform({ isolated: false, durable: false, database: 'pglite' }) });

  await page.sees('Not isolated');

  await page.click('platform');
  await page.sees('a power loss can lose the last changes');
});

test('language and theme switch at once and are remembered', async () => {
  page = await openConsole('/runs', noRuns);
  await page.sees('No runs yet');

  await page.click('locale');
  await page.sees('Запусков ещё не было');
  await page.click('theme');

  expect(localStorage.getItem('codexk8s_locale')).toBe('ru');
  expect(localStorage.getItem('codexk8s_theme')).toBe('light');
  expect(document.documentElement.lang).toBe('ru');
});

test('g a goes to the approvals and ? shows the shortcuts', async () => {
  page = await openConsole('/runs', noRuns);
  await page.find('empty');

  page.press('g');
  page.press('a');
  await page.until('the approvals', () => page.router.currentRoute.value.name === 'approvals');

  page.press('?');
  await page.find('shortcut-help');
});

test('the palette opens with Ctrl K and searches runs', async () => {
  page = await openConsole('/projects', { listRuns: () => ({ items: [aRun()] }) });
  await page.sees('Web shop');

  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true, cancelable: true }));
  await page.type('[data-test="palette"]', 'coupon');
  const option = await page.until('the search', () =>
    [...document.querySelectorAll<HTMLElement>('[role="option"]')].find((item) => item.textContent?.includes('Search runs')),
  );
  option.click();

  await page.until('the runs', () => page.router.currentRoute.value.query['q'] === 'coupon');
});

test('an unknown address gives the not-found page', async () => {
  page = await openConsole('/nowhere');

  await page.sees('Nothing here');
});

test('controls of the cluster stand beside what they were seen to do, and one that is absent is no isolation', async () => {
  const findings = [
    { control: 'network_policy', state: 'absent', evidence: 'A pod reached another against the policy.' },
    { control: 'pod_security', state: 'holds', evidence: 'A privileged pod was refused.' },
  ] as const;
  const controls = { checked_at: '2026-11-21T10:00:00Z', findings: [...findings] };
  page = await openConsole('/runs', { ...noRuns, getPlatform: () => aPlatform({ isolated: false, controls }) });

  await page.sees('was not seen to hold');

  await page.click('platform');
  await page.sees('Network policies are enforced');
  const lines = [...document.querySelectorAll('[data-test="controls"] li')].map(({ children }) =>
    [...children].map(({ textContent }) => textContent),
  );
  expect(lines).toEqual([
    ['Network policies are enforced', 'absent'],
    ['Privileged pods are refused', 'holds'],
  ]);
});
