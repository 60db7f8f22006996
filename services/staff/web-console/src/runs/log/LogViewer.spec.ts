import { afterEach, beforeEach, expect, test } from 'vitest';
import { aLine, aRunDetails, someLines, uuid } from '../../testing/builders.ts';
import { refuse, type Handlers } from '../../testing/mock-api.ts';
import { openConsole, type FakeStream, type TestConsole } from '../../testing/open-console.ts';

let page: TestConsole;
beforeEach(() => localStorage.setItem('codexk8s_locale', 'en'));
afterEach(() => page.close());

const address = `/runs/${uuid(101)}?tab=log`;
const run: Handlers = { getRun: () => aRunDetails(), listRunEvents: () => ({ items: [] }) };

function logOf(total: number): Handlers {
  return {
    ...run,
    getRunLogs: ({ query }) => {
      const limit = Number(query.get('limit'));
      const after = query.has('after') ? Number(query.get('after')) : Math.max(0, total - limit);
      return { run_id: uuid(101), total, items: someLines(Math.min(limit, total - after), after + 1) };
    },
  };
}

async function logStream(): Promise<FakeStream> {
  return page.until('the log stream', () => page.streams.find(({ address: url }) => url.includes('/logs/stream')));
}

test('of 100,000 lines only those in view are in the page', async () => {
  page = await openConsole(address, logOf(100_000));

  await page.sees('100,000 lines');
  await page.until('some lines', () => document.querySelector('[data-line]'));

  expect(document.querySelectorAll('[data-line]').length).toBeLessThan(150);
});

test('the stream continues after the last line and its lines appear', async () => {
  page = await openConsole(address, logOf(3));
  const stream = await logStream();
  expect(stream.address).toContain('after=3');

  stream.emit('log', aLine(4, 'the newest line'));

  await page.sees('the newest line');
  await page.sees('4 lines');
});

test('a tab nobody looks at holds no stream and goes on after the last line it has', async () => {
  page = await openConsole(address, logOf(3));
  const first = await logStream();
  first.emit('log', aLine(4, 'before the pause'));
  const look = (state: DocumentVisibilityState): void => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  };

  look('hidden');
  expect(page.streams.map(({ readyState }) => readyState)).toEqual(page.streams.map(() => 2));
  look('visible');

  await page.until('a stream from line 4', () => page.streams.some(({ address: url }) => url.includes('/logs/stream?after=4')));
});

test('log text is never markup', async () => {
  page = await openConsole(address, {
    ...run,
    getRunLogs: () => ({ run_id: uuid(101), total: 1, items: [aLine(1, '<b id="evil">bold</b>')] }),
  });

  await page.sees('<b id="evil">bold</b>');

  expect(document.getElementById('evil')).toBeNull();
});

test('a new attempt is announced in its first line', async () => {
  page = await openConsole(address, {
    ...run,
    getRunLogs: () => ({ run_id: uuid(101), total: 2, items: [aLine(1, 'one'), aLine(2, 'two', { attempt: 2 })] }),
  });

  const line = await page.until('line 2', () => document.querySelector('[data-line="2"]'));

  expect(line.textContent).toContain('Attempt 2');
  expect(document.querySelector('[data-line="1"]')?.textContent).not.toContain('Attempt');
});

test('searching asks the server, counts the matches and marks them', async () => {
  page = await openConsole(address, {
    ...run,
    getRunLogs: ({ query }) =>
      query.get('search') === 'needle'
        ? { run_id: uuid(101), total: 3, items: [aLine(2, 'a needle')] }
        : { run_id: uuid(101), total: 3, items: [aLine(1, 'hay'), aLine(2, 'a needle'), aLine(3, 'hay')] },
  });

  await page.type('[data-test="log-search"]', 'needle');

  await page.sees('1 of 1');
  expect(document.querySelector('.hit')?.textContent).toBe('needle');
  expect((await page.find('follow')).getAttribute('aria-pressed')).toBe('false');
});

test('f switches following, also from a Russian keyboard', async () => {
  page = await openConsole(address, logOf(3));
  const follow = await page.find('follow');
  expect(follow.getAttribute('aria-pressed')).toBe('true');

  page.press('а', 'KeyF');

  await page.until('not following', () => follow.getAttribute('aria-pressed') === 'false');
});

test('a link to a line opens the log there and marks it', async () => {
  page = await openConsole(`/runs/${uuid(101)}#L2`, logOf(5));

  const line = await page.until('line 2', () => document.querySelector('[data-line="2"]'));

  expect(line.classList.contains('marked')).toBe(true);
});

test('before the first line the page says that lines will come', async () => {
  page = await openConsole(address, { ...run, getRunLogs: () => ({ run_id: uuid(101), total: 0, items: [] }) });

  await page.sees('No output yet');
});

test('a log removed by retention says so', async () => {
  page = await openConsole(address, { ...run, getRunLogs: () => ({ run_id: uuid(101), total: 0, items: [], expired: true }) });

  await page.sees('The log was removed');
});

test('a log that cannot be loaded can be asked again', async () => {
  let isDown = true;
  page = await openConsole(address, {
    ...run,
    getRunLogs: () =>
      isDown
        ? refuse(503, 'service.unavailable', 'The log is not reachable.')
        : { run_id: uuid(101), total: 1, items: [aLine(1, 'here again')] },
  });
  await page.sees('The log is not reachable.');

  isDown = false;
  await page.clickText('Try again');

  await page.sees('here again');
});
