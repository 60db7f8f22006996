import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSpec } from '@codex-k8s/contracts/internal';
import { expect, test, vi } from 'vitest';
import { aHarness, aPrompt, type Harness } from './harness.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Case {
  readonly name: string;
  readonly body?: string;
  readonly spec?: Partial<RunSpec>;
  readonly env?: Record<string, string>;
  readonly before?: (harness: Harness) => void;
  readonly code: string;
  readonly message: RegExp;
}

const cases: readonly Case[] = [
  { name: 'an agent that gives up', body: '```fail\nToo hard for me.\n```', code: 'run.report_missing', message: /Too hard for me/ },
  {
    name: 'an agent that reports nothing',
    body: '```sh\necho 1 > a\n```\n```fail no-report\n```',
    code: 'run.report_missing',
    message: /without a report/,
  },
  {
    name: 'a report that breaks the schema',
    body: '```fail invalid-report\nx\n```',
    code: 'run.report_invalid',
    message: /must not be empty/,
  },
  { name: 'an agent that crashes', body: '```fail crash\n```', code: 'run.agent_crashed', message: /signal SIGKILL/ },
  { name: 'a refused key', body: '```fail model 401\n```', code: 'run.model_unauthorized', message: /401/ },
  { name: 'a rate limit', body: '```fail model 429\n```', code: 'run.model_rate_limited', message: /429/ },
  {
    name: 'a model that is down',
    env: { CODEXK8S_MODEL_BASE_URL: 'http://127.0.0.1:1/v1' },
    code: 'run.model_unavailable',
    message: /not reachable/,
  },
  {
    name: 'an agent that is not installed',
    spec: { program: 'codex' },
    env: { CODEXK8S_CODEX_PATH: '/nowhere/codex' },
    code: 'run.agent_unavailable',
    message: /ENOENT/,
  },
  { name: 'work without a commit', body: '```sh\ntrue\n```', code: 'run.nothing_delivered', message: /no commit ahead of main/ },
  { name: 'revising without a branch', spec: { kind: 'revise' }, code: 'run.pull_request_missing', message: /no branch codex\/issue-7/ },
  { name: 'a base branch that is not there', spec: { base_branch: 'nope' }, code: 'github.not_found', message: /no branch nope/ },
  {
    name: 'a repository that is not there',
    before: ({ platform }) => {
      if (platform.spec) platform.spec = { ...platform.spec, repository: { full_name: 'o/x', clone_url: 'file:///nowhere/x.git' } };
    },
    code: 'github.not_found',
    message: /git clone failed/,
  },
  {
    name: 'a push that the host refuses',
    before: ({ bare }) =>
      writeFileSync(join(bare, 'hooks', 'pre-receive'), '#!/bin/sh\necho "ghp_abcdefghijklmnopqrstuvwx protected" >&2\nexit 1\n', {
        mode: 0o755,
      }),
    code: 'github.push_rejected',
    message: /pre-receive hook declined[\s\S]*\[REDACTED\] protected/,
  },
];

test.concurrent.for(cases)('$name ends as $code', async ({ body, spec, env, before, code, message }) => {
  await using harness = await aHarness();
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, ...(body !== undefined && { prompt: aPrompt(body) }), ...spec };
  before?.(harness);

  const exitCode = await harness.start(env).exited;

  expect(exitCode).toBe(0);
  expect(platform.results).toMatchObject([{ outcome: 'failed', failure_code: code, failure_message: expect.stringMatching(message) }]);
  expect(platform.lines().at(-1)).toMatch(/./);
  expect(code === 'run.pull_request_missing').toBe(platform.events.some(({ event_type }) => event_type === 'run.revise.pr_not_found'));
});
