import { expect, test } from 'vitest';
import { createTerminal } from './terminal.ts';

const sink = { write: () => true };

test.each([
  [true, {}, '\u001B[31mx\u001B[39m'],
  [true, { NO_COLOR: '1' }, 'x'],
  [true, { TERM: 'dumb' }, 'x'],
  [false, {}, 'x'],
])('terminal %s with %j paints %j', (isTTY, environment, expected) => {
  const terminal = createTerminal({ stdout: { ...sink, isTTY }, stderr: sink, stdin: {} }, environment);

  expect(terminal.paint('red', 'x')).toBe(expected);
});
