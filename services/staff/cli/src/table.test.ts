import { expect, test } from 'vitest';
import { printable, renderFacts, renderTable, shorten, widthOf } from './table.ts';

test('columns are as wide as their widest cell and no line ends in spaces', () => {
  expect(
    renderTable(
      ['ID', 'NAME', 'X'],
      [
        ['1', 'long name', ''],
        ['22', 'b', 'y'],
      ],
    ),
  ).toEqual(['ID  NAME       X', '1   long name', '22  b          y']);
});

test('characters of two places keep the columns straight', () => {
  const lines = renderTable(
    ['A', 'B'],
    [
      ['日本', 'x'],
      ['привет', 'y'],
      ['👩‍💻', 'z'],
    ],
  );

  expect(lines.map((line) => widthOf(line))).toEqual([9, 9, 9, 9]);
});

test('a title cannot break the table or move the cursor', () => {
  expect(renderTable(['T'], [['a\n\u001B[2Jb\tc']])).toEqual(['T', 'a [2Jb c']);
});

test('printable keeps lines and tabs', () => {
  expect(printable('a\tb\n\u001B]0;x\u0007c\r')).toBe('a\tb\n]0;xc');
});

test('facts without a value are left out', () => {
  expect(
    renderFacts([
      ['Run', 'r-1'],
      ['Branch', undefined],
      ['Status', 'running'],
    ]),
  ).toEqual(['Run     r-1', 'Status  running']);
});

test('a long text is shortened with an ellipsis', () => {
  expect([shorten('short', 10), shorten('exactly ten', 10)]).toEqual(['short', 'exactly t…']);
});
