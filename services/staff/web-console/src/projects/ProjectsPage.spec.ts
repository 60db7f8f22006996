import { afterEach, beforeEach, expect, test } from 'vitest';
import { aMe, aProject, uuid } from '../testing/builders.ts';
import { refuse } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

test('a project shows its role and counts', async () => {
  page = await openConsole('/projects');

  await page.sees('1 repository');
  await page.sees('2 active runs');
  await page.sees('Your role: administers');
});

test('who is no platform admin is told whom to ask and has no button', async () => {
  page = await openConsole('/projects', { getMe: () => aMe({ is_platform_admin: false }), listProjects: () => ({ items: [] }) });

  await page.sees('Ask a platform admin');

  expect(page.all('create')).toEqual([]);
});

test('a failed answer can be asked again', async () => {
  let isDown = true;
  page = await openConsole('/projects', {
    listProjects: () => (isDown ? refuse(503, 'database.unavailable', 'The database does not answer.') : { items: [aProject()] }),
  });
  await page.sees('The database does not answer.');

  isDown = false;
  await page.clickText('Try again');

  await page.sees('Web shop');
});

test('a new project proposes its short name and opens', async () => {
  page = await openConsole('/projects', {
    createProject: () => aProject({ id: uuid(29) }),
    getProject: () => aProject(),
    listRepositories: () => ({ items: [] }),
  });

  await page.click('create');
  await page.type('[data-test="create-project"]', 'Новый магазин');
  await page.submit('[data-test="create-project"]');

  expect((await page.called('createProject')).body).toEqual({ name: 'Новый магазин', slug: 'novyy-magazin' });
  await page.until('the project', () => page.router.currentRoute.value.params['projectId'] === uuid(29));
  await page.sees('No repositories');
});

test('a short name that is taken is told at its field', async () => {
  page = await openConsole('/projects', { createProject: () => refuse(409, 'project.slug_taken', 'It is taken.', { field: 'body.slug' }) });

  await page.click('create');
  await page.type('[data-test="create-project"]', 'Web shop');
  await page.submit('[data-test="create-project"]');

  await page.sees('It is taken.');
  expect(page.all('error')).toEqual([]);
});
