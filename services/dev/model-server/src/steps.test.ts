import { expect, test } from 'vitest';
import { isInsideRepository, stepsOf } from './steps.ts';

test('every block of the language becomes its step, in order; others are none', () => {
  const body = [
    ['file path="a b.md"', 'hello'],
    ['sh', 'echo hi'],
    ['json', '{}'],
    ['sleep 1.5', ''],
    ['hang', ''],
    ['hang model', ''],
    ['ask Which colour?', 'options: red | blue | red'],
    ['ask', 'Really?'],
    ['fail', 'No way.'],
    ['fail model 429', ''],
    ['fail invalid-report', 'x'],
  ].map(([info, content]) => `\`\`\`${info}\n${content}\n\`\`\``);

  expect(stepsOf(body.join('\n\n'))).toEqual([
    { kind: 'file', path: 'a b.md', content: 'hello\n' },
    { kind: 'sh', script: 'echo hi\n' },
    { kind: 'sleep', seconds: 1.5 },
    { kind: 'hang', where: 'tool' },
    { kind: 'hang', where: 'model' },
    { kind: 'ask', question: 'Which colour?', options: ['red', 'blue'] },
    { kind: 'ask', question: 'Really?', options: ['Yes', 'No'] },
    { kind: 'fail', mode: 'give-up', status: 500, reason: 'No way.' },
    { kind: 'fail', mode: 'model', status: 429, reason: 'I cannot do this task.' },
    { kind: 'fail', mode: 'invalid-report', status: 500, reason: 'x' },
  ]);
});

test.each([
  ['file path=docs/a.md', 'docs/a.md'],
  ['file path=docs/release notes v2.md', 'docs/release notes v2.md'],
  ['file path=release notes.md mode=0644', 'release notes.md'],
  ['file mode=0644 path=release notes.md', 'release notes.md'],
  ['file path="release notes.md" mode=0644', 'release notes.md'],
  ["file path='a=b c.md'", 'a=b c.md'],
  ['file path=a=b.md', 'a=b.md'],
])('the path of a file is whole: %s', (info, path) => {
  expect(stepsOf(`\`\`\`${info}\nx\n\`\`\``)).toEqual([{ kind: 'file', path, content: 'x\n' }]);
});

test('a path that leaves the repository is recognised', () => {
  expect(['a/b', '../a', '/etc/x', 'a/../../b', '.git/config', 'a/', ''].map(isInsideRepository)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
});
