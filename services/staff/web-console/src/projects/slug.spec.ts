import { expect, test } from 'vitest';
import { slugOf } from './slug.ts';

test.for([
  ['  Web -- Shop!  ', 'web-shop'],
  ['Ünïcode', 'unicode'],
  ['Щука', 'schuka'],
  ['я'.repeat(60), 'ya'.repeat(20)],
  ['!!!', ''],
])('the short name of "%s" is "%s"', ([title, slug]) => {
  expect(slugOf(title ?? '')).toBe(slug);
});
