import { afterEach, beforeEach, expect, test } from 'vitest';
import { aMember, anIssue, aPlatform, aProject, aRepository, uuid } from '../testing/builders.ts';
import { refuse, type Handlers } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

const project: Handlers = { getProject: () => aProject() };
const tab = (name: string): string => `/projects/${uuid(21)}/${name}`;

test('a repository is added with a token that the page forgets', async () => {
  page = await openConsole(tab('repositories'), {
    ...project,
    listRepositories: () => ({ items: [] }),
    addRepository: () => aRepository(),
  });
  await page.sees('No repositories');

  await page.click('add');
  await page.type('[data-test="full-name"]', 'https://github.example/octo-org/web-shop.git');
  await page.type('[data-test="token"]', 'ghp_secret');
  await page.submit('[data-test="repository-form"]');

  expect((await page.called('addRepository')).body).toEqual({
    provider: 'github',
    owner: 'octo-org',
    name: 'web-shop',
    token: 'ghp_secret',
    services_yaml_path: 'services.yaml',
  });
  await page.sees('octo-org/web-shop was added');
  const values = [...document.querySelectorAll('input')].map(({ value }) => value);
  expect(values).not.toContain('ghp_secret');
});

test('a refusal names its field', async () => {
  page = await openConsole(tab('repositories'), {
    ...project,
    listRepositories: () => ({ items: [] }),
    addRepository: () =>
      refuse(422, 'github.unauthorized', 'GitHub refused the token.', { field: 'body.token', remedy: 'Store a valid one.' }),
  });

  await page.click('add');
  await page.type('[data-test="full-name"]', 'octo-org/web-shop');
  await page.type('[data-test="token"]', 'wrong');
  await page.submit('[data-test="repository-form"]');

  const field = await page.find('token');
  await page.until('the message at the field', () => field.textContent?.includes('GitHub refused the token. Store a valid one.'));
});

test('removing a repository asks first', async () => {
  page = await openConsole(tab('repositories'), {
    ...project,
    listRepositories: () => ({ items: [aRepository()] }),
    removeRepository: () => undefined,
  });

  await page.click('remove');
  await page.sees('Remove octo-org/web-shop?');
  expect(page.api.calls.some(({ operation }) => operation === 'removeRepository')).toBe(false);
  await page.submit('.v-dialog form');

  expect((await page.called('removeRepository')).path).toMatchObject({ repository_id: uuid(31) });
});

test('a reader sees everything and is told why nothing can be changed', async () => {
  page = await openConsole(tab('members'), { getProject: () => aProject({ role: 'read' }), listMembers: () => ({ items: [aMember()] }) });

  const add = await page.find('add');

  expect(add.hasAttribute('disabled')).toBe(true);
  expect(page.all('why-not')[0]?.getAttribute('aria-label')).toBe('Only admins of the project can do this.');
});

test('an issue is started with a label that is allowed; others say why not', async () => {
  page = await openConsole(tab('issues'), {
    ...project,
    listRepositories: () => ({ items: [aRepository()] }),
    listIssues: () => ({ items: [anIssue()] }),
    addIssueLabel: ({ body }) => ({ issue_number: 7, label: body.label }),
  });

  await page.click('start');
  await page.sees('There is no pull request to revise.');
  expect(page.all('trigger').map((item) => item.getAttribute('aria-disabled'))).toEqual(['false', 'true']);
  await page.click('trigger', 0);

  const call = await page.called('addIssueLabel');
  expect(call.body).toEqual({ label: 'run:dev' });
  await page.sees('Label run:dev is on #7');
});

test('a project without a repository leads to adding one', async () => {
  page = await openConsole(tab('issues'), { ...project, listRepositories: () => ({ items: [] }) });

  await page.sees('No repository yet');
});

test('a repository without open issues says where they come from', async () => {
  page = await openConsole(tab('issues'), {
    ...project,
    listRepositories: () => ({ items: [aRepository()] }),
    listIssues: () => ({ items: [] }),
  });

  await page.sees('No open issues');
});

test('issues the host does not give are an error with a remedy', async () => {
  page = await openConsole(tab('issues'), {
    ...project,
    listRepositories: () => ({ items: [aRepository()] }),
    listIssues: () => refuse(502, 'github.unauthorized', 'GitHub refused the token.', { remedy: 'Store a valid token.' }),
  });

  await page.sees('Store a valid token.');
});

test('a member is added, changed, overridden and removed', async () => {
  page = await openConsole(tab('members'), {
    ...project,
    listMembers: () => ({ items: [aMember()] }),
    upsertMember: ({ body }) => aMember({ email: body.email, role: body.role }),
    setMemberLearningMode: () => undefined,
    removeMember: () => undefined,
  });

  await page.click('add');
  await page.type('[data-test="member-form"]', 'lin@example.com');
  await page.submit('[data-test="member-form"]');
  expect((await page.called('upsertMember')).body).toEqual({ email: 'lin@example.com', role: 'read_write' });
  await page.sees('lin@example.com is a member now');

  await page.type('tbody tr select', 'admin');
  await page.until('the new role', () =>
    page.api.calls.some(({ body }) => JSON.stringify(body) === '{"email":"grace@example.com","role":"admin"}'),
  );
  await page.type('tbody tr td:nth-child(3) select', 'off');
  expect((await page.called('setMemberLearningMode')).body).toEqual({ enabled: false });

  await page.click('remove');
  await page.until('the question', () => page.text.includes('Remove grace@example.com?'));
  const forms = document.querySelectorAll('.v-dialog form');
  forms[forms.length - 1]?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  expect((await page.called('removeMember')).path).toMatchObject({ user_id: uuid(2) });
});

test('settings are stored as they stand in the form', async () => {
  page = await openConsole(tab('settings'), { ...project, updateProject: () => aProject() });

  await page.type('[data-test="settings"] input[type="number"]', '7');
  await page.submit('[data-test="settings"]');

  expect((await page.called('updateProject')).body).toEqual({
    name: 'Web shop',
    settings: {
      locale: 'en',
      profile: 'feature',
      max_parallel_runs: 7,
      learning_mode_default: false,
      direct_dev: true,
      required_controls: [],
    },
  });
  await page.sees('Settings stored');
});

test('a control that the project needs is stored, and one that does not hold is said to refuse runs', async () => {
  const findings = [
    { control: 'network_policy', state: 'absent', evidence: 'A pod reached another against the policy.' },
    { control: 'quota', state: 'holds', evidence: 'A pod too many was refused.' },
  ] as const;
  page = await openConsole(tab('settings'), {
    getProject: () => aProject({ settings: { required_controls: ['quota'] } }),
    getPlatform: () => aPlatform({ controls: { checked_at: '2026-11-21T10:00:00Z', findings: [...findings] } }),
    updateProject: () => aProject(),
  });
  await page.sees('Network policies are enforced');
  expect(document.querySelector('[data-test="will-refuse"]')).toBeNull();

  document.querySelector<HTMLInputElement>('[data-test="required-controls"] input[value="network_policy"]')?.click();
  await page.sees('runs of this project are refused');
  await page.submit('[data-test="settings"]');

  expect((await page.called('updateProject')).body).toMatchObject({ settings: { required_controls: ['quota', 'network_policy'] } });
});

test('deleting is refused in words while runs are active', async () => {
  page = await openConsole(tab('settings'), {
    ...project,
    deleteProject: () => refuse(409, 'project.protected', 'Runs of the project are active.'),
  });

  await page.click('delete');
  await page.submit('.v-dialog form');

  await page.sees('Runs of the project are active.');
});

test('a project that is not there gives the not-found page', async () => {
  page = await openConsole(tab('issues'), { getProject: () => refuse(404, 'project.not_found', 'There is no such project.') });

  await page.sees('Nothing here');
});
