import { afterEach, beforeEach, expect, test } from 'vitest';
import { anApproval, at } from '../testing/builders.ts';
import { refuse } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

test('a request names the exact action, every value of it, and its digest', async () => {
  page = await openConsole('/approvals', { listApprovals: () => ({ items: [anApproval()] }) });

  const card = await page.find('approval');

  for (const words of ['github.labels.add', 'octo-org/web-shop', '["run:qa"]', 'a'.repeat(12)]) expect(card.textContent).toContain(words);
});

test('approving sends the digest that was shown', async () => {
  page = await openConsole('/approvals', {
    listApprovals: () => ({ items: [anApproval()] }),
    decideApproval: () => anApproval({ state: 'approved' }),
  });

  await page.click('approve');
  await page.submit('.v-dialog form');

  const call = await page.called('decideApproval');
  expect(call.path).toEqual({ approval_id: '5' });
  expect(call.body).toEqual({ decision: 'approved', digest: 'a'.repeat(64) });
  await page.sees('Your decision is on record');
});

test.for(['approval.stale', 'approval.already_decided'])('%s is explained and the list is asked for again', async (code) => {
  page = await openConsole('/approvals', {
    listApprovals: () => ({ items: [anApproval()] }),
    decideApproval: () => refuse(409, code, 'What the request names has changed.', { remedy: 'Look at the new state.' }),
  });
  await page.find('approval');
  const before = page.api.calls.filter(({ operation }) => operation === 'listApprovals').length;

  await page.click('deny');
  await page.submit('.v-dialog form');

  await page.sees('What the request names has changed. Look at the new state.');
  await page.until('the list again', () => page.api.calls.filter(({ operation }) => operation === 'listApprovals').length > before);
});

test('a question is answered by an option or, when allowed, in own words', async () => {
  const question = anApproval({
    tool_name: 'owner_feedback_request',
    question: 'Which database?',
    options: ['PostgreSQL', 'SQLite'],
    allow_custom: true,
  });
  page = await openConsole('/approvals', { listApprovals: () => ({ items: [question] }), decideApproval: () => question });
  await page.sees('Which database?');

  await page.click('option', 1);
  expect((await page.called('decideApproval')).body).toMatchObject({ decision: 'approved', answer: 'SQLite' });

  await page.type('form.own', 'Ask me tomorrow');
  await page.submit('form.own');
  await page.until('own words', () => page.api.calls.some(({ body }) => JSON.stringify(body)?.includes('Ask me tomorrow')));
});

test('who may not decide sees the request with the reason', async () => {
  page = await openConsole('/approvals', { listApprovals: () => ({ items: [anApproval({ can_decide: false })] }) });

  const approve = await page.find('approve');

  expect(approve.hasAttribute('disabled')).toBe(true);
  expect(page.all('why-not')[0]?.getAttribute('aria-label')).toBe('This is for another person to decide.');
});

test('decided requests are a view of their own, in the address', async () => {
  page = await openConsole('/approvals?view=decided', {
    listApprovals: ({ query }) => ({
      items: query.getAll('state').includes('denied') ? [anApproval({ state: 'denied', reason: 'Not today.', decided_at: at(60) })] : [],
    }),
  });

  await page.sees('Not today.');

  expect(page.all('approve')).toEqual([]);
});

test('an empty inbox and a failed answer are told apart', async () => {
  let isDown = false;
  page = await openConsole('/approvals', {
    listApprovals: () => (isDown ? refuse(503, 'database.unavailable', 'The database does not answer.') : { items: [] }),
  });
  await page.sees('Nothing waits');

  isDown = true;
  await page.router.push('/approvals?view=decided');

  await page.sees('The database does not answer.');
});
