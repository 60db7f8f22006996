import { expect, test } from 'vitest';
import { someLines } from '../../testing/builders.ts';
import { LogLines } from './log-lines.ts';

test('a page out of view is asked for once, and again only after it failed', () => {
  const lines = new LogLines();
  lines.add(someLines(500, 1_501), 2_000);

  expect(lines.missingPages(400, 600)).toEqual([0, 1]);
  expect(lines.missingPages(400, 600)).toEqual([]);
  lines.forget(1);
  expect(lines.missingPages(400, 600)).toEqual([1]);
});

test('lines that are known are not asked for', () => {
  const lines = new LogLines();
  lines.add(someLines(500, 1_501), 2_000);

  expect(lines.missingPages(1_600, 2_000)).toEqual([]);
});
