import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { asCliError, exitCodeOf, renderError, withRemedy } from './cli-error.ts';
import { AppError } from '@codex-k8s/domain';
import { problemOf, unwrap } from './api.ts';
import { exitCodes, exitOfStatus } from './exit-codes.ts';

test.each([
  [0, 6],
  [400, 2],
  [401, 3],
  [403, 3],
  [404, 4],
  [409, 5],
  [422, 2],
  [429, 6],
  [500, 1],
  [502, 1],
  [503, 6],
])('an API answer of %i exits with %i', (status, code) => {
  expect(exitCodes[exitOfStatus(status)].code).toBe(code);
});

test('no two exits share a code', () => {
  const codes = Object.values(exitCodes).map(({ code }) => code);

  expect(new Set(codes).size).toBe(codes.length);
});

test('the README shows the same exit codes', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

  for (const { code, meaning } of Object.values(exitCodes)) expect(readme).toContain(`| ${code} | ${meaning} |`);
});

test('a refusal shows what the API said, and its remedy', () => {
  const error = problemOf(409, { code: 'run.illegal_move', message: 'This run is already finished.', correlation_id: 'c-1' });

  expect(renderError(error, { json: false }).split('\n')).toEqual([
    'codexk8s: This run is already finished. [run.illegal_move]',
    '  Reload the run to see its status.',
    '  Correlation id: c-1',
  ]);
  expect(JSON.parse(renderError(error, { json: true }))).toEqual({
    code: 'run.illegal_move',
    message: 'This run is already finished.',
    correlation_id: 'c-1',
    remedy: 'Reload the run to see its status.',
  });
});

test("the API's own remedy wins over the table's", () => {
  expect(withRemedy({ code: 'run.not_found', message: 'm', remedy: 'Look elsewhere.' }).remedy).toBe('Look elsewhere.');
});

test('a proxy that answers no error object is unavailable, not a crash', () => {
  const error = problemOf(503, '<html>');

  expect({ exit: exitCodeOf(error), code: error.problem.code }).toEqual({ exit: 6, code: 'service.unavailable' });
});

test('a platform that does not answer exits with 6', async () => {
  const failure = await unwrap(Promise.resolve({ error: new TypeError('fetch failed') })).catch(asCliError);

  expect(failure).toMatchObject({ exit: 'unavailable' });
});

test('an error of the domain keeps its code', () => {
  const error = asCliError(new AppError('database.locked', 'Process 7 uses it.'));

  expect({ exit: exitCodeOf(error), problem: error.problem.code }).toEqual({ exit: 5, problem: 'database.locked' });
});
