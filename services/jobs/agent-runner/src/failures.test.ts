import { AppError } from '@codex-k8s/domain';
import { expect, test } from 'vitest';
import type { AgentExit } from './agent-process.ts';
import type { AgentReport } from './agents/agent-events.ts';
import { runnerFailure, turnFailure } from './failures.ts';
import { gitError } from './git.ts';

const ended: AgentReport = {
  threadId: 't',
  isTurnCompleted: true,
  failure: undefined,
  lastWords: undefined,
  report: 'accepted',
  refusal: undefined,
  reportedGaps: [],
  outputGaps: [],
  usage: undefined,
};
const exit: AgentExit = { exitCode: 0, signal: undefined, startError: undefined, lastErrors: '' };
const codeOf = (report: Partial<AgentReport>, how: Partial<AgentExit> = {}, wasSeenWhole = true) =>
  turnFailure({ ...ended, ...report }, { ...exit, ...how }, wasSeenWhole)?.code;

test('a turn counts only when it was completed with an accepted report, whatever the exit code', () => {
  expect(codeOf({})).toBeUndefined();
  expect(codeOf({}, { exitCode: 1 })).toBeUndefined();
  expect(codeOf({ isTurnCompleted: false })).toBe('run.agent_crashed');
  expect(codeOf({ report: 'refused' })).toBe('run.report_invalid');
  expect(codeOf({ report: undefined })).toBe('run.report_missing');
  expect(codeOf({ report: undefined }, {}, false)).toBeUndefined();
});

test('what agents say about a failed turn is understood', () => {
  const said = {
    'unexpected status 401 Unauthorized: bad key': 'run.model_unauthorized',
    'Missing environment variable: `CODEXK8S_MODEL_API_KEY`.': 'run.model_unauthorized',
    'exceeded retry limit, last status: 429 Too Many Requests': 'run.model_rate_limited',
    'Quota exceeded. Check your plan and billing details.': 'run.model_rate_limited',
    'unexpected status 503 Service Unavailable': 'run.model_unavailable',
    'stream disconnected before completion: stream closed before response.completed': 'run.model_unavailable',
    'the model endpoint is not reachable: connect ECONNREFUSED': 'run.model_unavailable',
    'ENOSPC: no space left on device, write': 'run.disk_full',
    'the model did not come to an end within 200 requests': 'run.agent_failed',
  };

  expect(Object.fromEntries(Object.keys(said).map((failure) => [failure, codeOf({ failure, isTurnCompleted: false })]))).toEqual(said);
});

test("git's complaints are understood", () => {
  const said = {
    "fatal: Authentication failed for 'https://h/r.git/'": 'github.unauthorized',
    "fatal: could not read Username for 'https://h': terminal prompts disabled": 'github.unauthorized',
    "fatal: unable to access 'https://h/r.git/': The requested URL returned error: 403": 'github.forbidden',
    "fatal: repository 'https://h/r.git/' not found": 'github.not_found',
    '! [rejected] x -> y (fetch first)': 'github.push_rejected',
    "fatal: unable to access 'https://h/': Could not resolve host: h": 'github.unavailable',
    "fatal: unable to access 'https://h/': The requested URL returned error: 502": 'github.unavailable',
    'fatal: write error: No space left on device': 'run.disk_full',
    'fatal: something new': 'run.runner_failed',
  };

  expect(Object.fromEntries(Object.keys(said).map((stderr) => [stderr, gitError('x', stderr).code]))).toEqual(said);
});

test('a defect of the runner is a failed runner, a full disk is said to be one', () => {
  expect(runnerFailure(new TypeError('x')).code).toBe('run.runner_failed');
  expect(runnerFailure(new Error('ENOSPC: no space left on device, open')).code).toBe('run.disk_full');
  expect(runnerFailure(new AppError('github.forbidden', 'x')).code).toBe('github.forbidden');
});
