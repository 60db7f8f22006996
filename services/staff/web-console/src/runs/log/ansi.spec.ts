import { expect, test } from 'vitest';
import { ansiSegments, highlight, plainText } from './ansi.ts';

const esc = String.fromCharCode(0x1b);

test('colours become class names', () => {
  expect(ansiSegments(`${esc}[1;31mno${esc}[0m yes`)).toEqual([
    { text: 'no', classes: 'ansi-red ansi-bold' },
    { text: ' yes', classes: '' },
  ]);
});

test('256-colour and true-colour selections are skipped with their arguments', () => {
  expect(ansiSegments(`${esc}[38;5;31mone${esc}[38;2;1;4;9mtwo`).map(({ classes }) => classes)).toEqual(['', '']);
});

test.for([
  ['cursor movement', `a${esc}[2Kb${esc}[1;1H`, 'ab'],
  ['a window title', `${esc}]0;evil${String.fromCharCode(7)}text`, 'text'],
  ['a hyperlink', `${esc}]8;;javascript:alert(1)${esc}\\click${esc}]8;;${esc}\\`, 'click'],
  ['a progress bar', '10%\r50%\r100%', '100%'],
  ['a Windows line end', 'text\r', 'text'],
])('%s is reduced to its text', ([, raw, text]) => {
  expect(plainText(raw ?? '')).toBe(text);
});

test('characters that would turn text around are made visible', () => {
  expect(plainText('a\u202eb\u0000')).toBe('a⟨202E⟩b⟨0000⟩');
});

test('every match is marked whatever its case, and nothing is lost', () => {
  const parts = highlight([{ text: 'Needle in needles', classes: 'ansi-red' }], 'needle');

  expect(parts.map(({ text }) => text).join('')).toBe('Needle in needles');
  expect(parts.filter(({ classes }) => classes.includes('hit')).map(({ text }) => text)).toEqual(['Needle', 'needle']);
});
