import { afterEach, beforeEach, expect, test } from 'vitest';
import { anAgent, aPlatform, aUser, uuid } from '../testing/builders.ts';
import { refuse } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

test('neither oneself nor the owner can be removed, and the page says why', async () => {
  page = await openConsole('/users', {
    listUsers: () => ({
      items: [aUser({ id: uuid(1), email: 'ada@example.com' }), aUser({ id: uuid(9), is_platform_owner: true }), aUser()],
    }),
  });
  await page.sees('ada@example.com');

  const reasons = page.all('user').map((row) => row.querySelector('[data-test="why-not"]')?.getAttribute('aria-label'));

  expect(reasons).toEqual(['You cannot remove yourself.', 'The owner of the platform cannot be removed.', undefined]);
});

test('a user is added by e-mail and removed after a question', async () => {
  page = await openConsole('/users', {
    listUsers: () => ({ items: [aUser()] }),
    createUser: ({ body }) => aUser({ email: body.email }),
    deleteUser: () => undefined,
  });

  await page.click('add');
  await page.type('[data-test="user-form"]', 'lin@example.com');
  await page.submit('[data-test="user-form"]');
  expect((await page.called('createUser')).body).toEqual({ email: 'lin@example.com', is_platform_admin: false });
  await page.sees('lin@example.com may sign in now');

  await page.click('remove');
  await page.sees('Remove grace@example.com?');
  const forms = document.querySelectorAll('.v-dialog form');
  forms[forms.length - 1]?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  expect((await page.called('deleteUser')).path).toEqual({ user_id: uuid(2) });
});

test('an e-mail that exists is told in the dialog', async () => {
  page = await openConsole('/users', {
    listUsers: () => ({ items: [] }),
    createUser: () => refuse(409, 'user.exists', 'A user with this e-mail exists.'),
  });
  await page.sees('No users');

  await page.click('add');
  await page.type('[data-test="user-form"]', 'grace@example.com');
  await page.submit('[data-test="user-form"]');

  await page.sees('A user with this e-mail exists.');
});

test('agents show their limits and who answers by script', async () => {
  page = await openConsole('/configuration/agents', {
    getPlatform: () => aPlatform({ model_endpoints: [{ agent: 'trial', scripted: true }] }),
    listAgents: () => ({ items: [anAgent(), anAgent({ id: uuid(12), name: 'AI Reviewer', program: 'trial', run_timeout_sec: 0 })] }),
  });

  await page.sees('AI Reviewer');

  expect(page.all('scripted')).toHaveLength(1);
  expect(page.text).toContain('2h');
});

test('agents that cannot be listed are an error', async () => {
  page = await openConsole('/configuration/agents', {
    listAgents: () => refuse(503, 'database.unavailable', 'The database does not answer.'),
  });

  await page.sees('The database does not answer.');
});
