import { expect, test } from 'vitest';
import { parseIssueFile } from './issue-file.ts';

test.each([
  ['# Title\n\nBody\n', { title: 'Title', body: 'Body\n' }],
  ['Title', { title: 'Title', body: '' }],
  ['### Title with # inside #\nBody without end', { title: 'Title with # inside #', body: 'Body without end' }],
  ['\uFEFF# Windows\r\n\r\nline\r\n', { title: 'Windows', body: 'line\r\n' }],
  ['#Tight\n    indented code', { title: 'Tight', body: '    indented code' }],
])('%j', (text, expected) => {
  expect(parseIssueFile(text)).toEqual(expected);
});

test('quotes, dollars, backticks and Unicode stay as they are', () => {
  const body = '```file path=a.txt\n"q" \'s\' $HOME `x` $(y) \\n Привет 🚀\n```';

  expect(parseIssueFile(`# T\n${body}`).body).toBe(body);
});

test.each(['', '\n', '###\nbody', '   \nbody'])('a file without a title is refused: %j', (text) => {
  expect(() => parseIssueFile(text)).toThrow('must be the title');
});
