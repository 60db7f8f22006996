import type { IssueText } from '../issue-file.ts';

/** What the demo asks for when no file is given: two files and a command, which the scripted model carries out as written. */
export const demoIssue: IssueText = {
  title: 'Convert temperatures',
  body: `Our travellers ask for degrees they understand. Please add a converter with a test, and run the test.

\`\`\`file path=convert.mjs
/** Degrees Celsius as degrees Fahrenheit. */
export function toFahrenheit(celsius) {
  return celsius * 1.8 + 32;
}

/** Degrees Fahrenheit as degrees Celsius. */
export function toCelsius(fahrenheit) {
  return (fahrenheit - 32) / 1.8;
}
\`\`\`

\`\`\`file path=convert.test.mjs
import assert from 'node:assert/strict';
import test from 'node:test';
import { toCelsius, toFahrenheit } from './convert.mjs';

test('water boils at 212 °F', () => {
  assert.equal(toFahrenheit(100), 212);
});

test('there and back again', () => {
  assert.equal(toCelsius(toFahrenheit(37)), 37);
});
\`\`\`

\`\`\`sh
node --test convert.test.mjs
\`\`\`
`,
};
