import { expect, test } from 'vitest';
import { readArguments } from './config.ts';

const needed = ['exec', '--session', 's', '--cwd', '.', '--model', 'm', '--base-url', 'http://h/v1', '--mcp-url', 'http://h/mcp'];

test('arguments are read, help is asked for, and every mistake is named', () => {
  expect(readArguments([...needed, '--resume', '--max-turns', '3'])).toMatchObject({ session: 's', resume: true, 'max-turns': 3 });
  expect(readArguments(['--help'])).toBeUndefined();
  expect(() => readArguments(['run'])).toThrow('The command is: trial-agent exec');
  expect(() => readArguments(['exec', '--model', 'm'])).toThrow(/--session: [\s\S]*--mcp-url: /);
  expect(() => readArguments([...needed, '--nope'])).toThrow(/--nope/);
});
