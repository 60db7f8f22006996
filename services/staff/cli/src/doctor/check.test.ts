import { expect, test } from 'vitest';
import { checkCodex, checkConsole, checkDisk, checkGit, checkNode, checkPorts, isAtLeast } from './check.ts';

test.each([
  ['24.12.0', '24.12', true],
  ['24.9.1', '24.12', false],
  ['25.0.0', '24.12', true],
  ['2.38', '2.38', true],
  ['2.4.9', '2.38', false],
  ['nonsense', '1.0', false],
])('%s is at least %s: %s', (version, wanted, expected) => {
  expect(isAtLeast(version, wanted)).toBe(expected);
});

test('each finding is judged', () => {
  expect([
    checkNode('24.21.0').verdict,
    checkNode('22.1.0').verdict,
    checkGit('git version 2.39.5 (Apple Git-154)').verdict,
    checkGit('git version 2.30.2').verdict,
    checkGit(undefined).verdict,
    checkCodex(undefined).verdict,
    checkConsole({ isFresh: false, canBuild: true }).verdict,
    checkConsole({ isFresh: false, canBuild: false }).verdict,
    checkDisk(10 * 1024 ** 3).verdict,
    checkDisk(1024 ** 3).verdict,
    checkDisk(1024 ** 2).verdict,
    checkPorts(8080, []).verdict,
    checkPorts(8080, [8081]).verdict,
  ]).toEqual(['ok', 'fail', 'ok', 'fail', 'fail', 'warn', 'ok', 'fail', 'ok', 'warn', 'fail', 'ok', 'warn']);
});

test('whatever is not ok names a remedy', () => {
  const checks = [checkNode('20.0.0'), checkGit(undefined), checkCodex(undefined), checkDisk(0), checkPorts(8080, [8080])];

  expect(checks.filter(({ remedy }) => remedy === undefined)).toEqual([]);
});
