import type { RunDetails } from '@codex-k8s/contracts/staff';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anApproval, anEvent, aRun, aRunDetails, uuid } from '../testing/builders.ts';
import { refuse, type Handlers } from '../testing/mock-api.ts';
import { openConsole, type TestConsole } from '../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

const address = `/runs/${uuid(101)}?tab=evidence`;

function answers(details: RunDetails): Handlers {
  return { getRun: () => details, listRunEvents: () => ({ items: [anEvent(1, 'run.enqueued')] }) };
}

test('a failed run says its code, cause and what helps', async () => {
  const failure = {
    code: 'run.nothing_delivered',
    message: 'No commit was made.',
    cause: 'It made no commit.',
    remedy: 'Be more specific.',
  };
  page = await openConsole(address, answers(aRunDetails({ status: 'failed' }, { failure, allowed_actions: ['retry'] })));

  const panel = await page.find('failure');

  for (const words of Object.values(failure)) expect(panel.textContent).toContain(words);
});

test('evidence of the host and the claim of the agent stand apart', async () => {
  const checks = [
    { name: 'branch_exists', ok: true },
    { name: 'pull_request_open', ok: false, detail: 'none found' },
  ] as const;
  const verification = { confirmed: false, checked_at: '2026-03-10T12:00:00Z', checks: [...checks] };
  page = await openConsole(address, answers(aRunDetails({}, { verification, report: { summary: 'All done.' } })));

  const evidence = await page.find('evidence');

  expect(evidence.textContent).toContain('GitHub does not confirm this');
  expect(evidence.textContent).toContain('none found');
  expect(evidence.textContent).not.toContain('All done.');
  expect(page.text).toContain('A claim, not evidence.');
});

test('an action that is not allowed is disabled and says why', async () => {
  page = await openConsole(address, answers(aRunDetails({ status: 'succeeded' }, { allowed_actions: [] })));

  const cancel = await page.find('cancel');

  expect(cancel.hasAttribute('disabled')).toBe(true);
  expect(cancel.closest('[data-test="why-not"]')?.getAttribute('aria-label')).toBe('The run is over already.');
});

test('cancelling asks first and sends the reason', async () => {
  page = await openConsole(address, { ...answers(aRunDetails()), cancelRun: () => aRun({ status: 'cancelled' }) });

  await page.click('cancel');
  await page.type('[data-test="reason"]', 'Wrong issue');
  await page.submit('.v-dialog form');

  expect((await page.called('cancelRun')).body).toEqual({ reason: 'Wrong issue' });
  await page.sees('The run was cancelled');
});

test('a refused cancel keeps the dialog open with the reason', async () => {
  page = await openConsole(address, {
    ...answers(aRunDetails()),
    cancelRun: () => refuse(409, 'run.illegal_move', 'This run is already finished.'),
  });

  await page.click('cancel');
  await page.submit('.v-dialog form');

  await page.sees('This run is already finished.');
});

test('a retry opens the new run', async () => {
  page = await openConsole(address, {
    ...answers(aRunDetails({ status: 'failed' }, { allowed_actions: ['retry'] })),
    retryRun: () => aRun({ id: uuid(199) }),
  });

  await page.click('retry');

  await page.until('the new run', () => page.router.currentRoute.value.params['runId'] === uuid(199));
});

test('requesting changes needs words and carries the digest', async () => {
  const approval = anApproval({ id: 6, tool_name: 'owner_review' });
  page = await openConsole(address, {
    ...answers(aRunDetails({ status: 'waiting_owner_review' }, { pending_approval_id: 6, allowed_actions: ['cancel', 'decide'] })),
    listApprovals: () => ({ items: [approval] }),
    decideApproval: () => ({ ...approval, state: 'denied' as const }),
  });

  await page.click('deny');
  expect((await page.find('confirm')).hasAttribute('disabled')).toBe(true);
  await page.type('[data-test="reason"]', 'Add a test');
  await page.submit('.v-dialog form');

  expect((await page.called('decideApproval')).body).toEqual({ decision: 'denied', digest: approval.digest, reason: 'Add a test' });
});

test('the stream changes the page in place', async () => {
  page = await openConsole(`/runs/${uuid(101)}?tab=timeline`, answers(aRunDetails()));
  await page.sees('The run was queued');
  const stream = page.streams[0];

  stream?.emit('run', aRunDetails({ status: 'waiting_mcp' }));
  stream?.emit('event', anEvent(2, 'run.branch.pushed'));
  stream?.emit('event', anEvent(2, 'run.branch.pushed'));

  await page.sees('Waits for approval');
  await page.sees('The branch was pushed');
  expect(page.text.split('The branch was pushed')).toHaveLength(2);
});

test('when the stream breaks the page says that it asks every 5 seconds', async () => {
  page = await openConsole(address, answers(aRunDetails()));
  await page.sees('connecting');

  page.streams[0]?.emit('open');
  await page.sees('live');
  page.streams[0]?.emit('error');

  await page.sees('updates every 5 s');
});

test('a run that is not there gives the not-found page', async () => {
  page = await openConsole(address, {
    getRun: () => refuse(404, 'run.not_found', 'There is no such run.'),
    listRunEvents: () => refuse(404, 'run.not_found', 'There is no such run.'),
  });

  await page.sees('Nothing here');
});

test('changes are shown by file as text, never as markup', async () => {
  const diff = 'diff --git a/a.html b/a.html\n--- a/a.html\n+++ b/a.html\n@@ -1 +1 @@\n-old\n+<img src=x onerror=alert(1)>\n';
  page = await openConsole(`/runs/${uuid(101)}?tab=changes`, { ...answers(aRunDetails()), getRunDiff: () => ({ diff, truncated: true }) });

  const changes = await page.find('changes');

  expect(changes.textContent).toContain('<img src=x onerror=alert(1)>');
  expect(changes.querySelector('img')).toBeNull();
  expect(page.text).toContain('cut at 1 MiB');
});

test('without a pull request the changes say so', async () => {
  page = await openConsole(`/runs/${uuid(101)}?tab=changes`, {
    ...answers(aRunDetails()),
    getRunDiff: () => refuse(404, 'run.not_found', 'There is no pull request.'),
  });

  await page.sees('There is no pull request yet.');
});
