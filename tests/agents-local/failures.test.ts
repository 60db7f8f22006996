import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSpec } from '@codex-k8s/contracts/internal';
import { expect, test, vi } from 'vitest';
import { aHarness, aPrompt, canMount, type DiskLimit, type Harness } from './harness.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Case {
  readonly name: string;
  readonly body?: string;
  readonly spec?: Partial<RunSpec>;
  readonly env?: Record<string, string>;
  readonly limits?: DiskLimit;
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
  {
    name: "work without a commit of its own on an earlier run's branch",
    body: '```sh\ntrue\n```',
    before: ({ commit }) => commit('codex/issue-7', { 'old.txt': 'of an earlier run\n' }),
    code: 'run.nothing_delivered',
    message: /1 commit\(s\) of codex\/issue-7 are of an earlier run/,
  },
  {
    name: 'rework without a commit of its own',
    body: '```sh\ntrue\n```',
    spec: { kind: 'revise', prompt: aPrompt('', { kind: 'revise', feedback: '```sh\ntrue\n```' }) },
    before: ({ commit }) => commit('codex/issue-7', { 'old.txt': 'of an earlier run\n' }),
    code: 'run.nothing_delivered',
    message: /without a commit of its own/,
  },
  {
    name: 'a disk without room for the clone',
    limits: { diskKb: 1024 },
    before: ({ commit }) => commit('main', { 'large.bin': randomBytes(1_500_000).toString('base64') }),
    code: 'run.disk_full',
    message: /git clone failed[\s\S]*No space left on device/,
  },
  {
    name: 'a disk that the agent has filled',
    limits: { diskKb: 4096 },
    body: '```sh\nhead -c 8000000 /dev/zero > rubbish; echo filled\n```\n\n```file path=a\na\n```',
    code: 'run.disk_full',
    message: /ENOSPC|No space left on device/,
  },
  {
    name: 'a disk without room for the session',
    limits: { fileKb: 64 },
    body: Array.from({ length: 12 }, () => '```sh\nhead -c 20000 /dev/zero | tr "\\0" x\n```').join('\n\n'),
    code: 'run.disk_full',
    message: /EFBIG/,
  },
  {
    name: 'a disk that is full for the model client',
    env: { CODEXK8S_TRIAL_AGENT_PATH: join(import.meta.dirname, 'fake-agent.mjs') },
    before: ({ platform }) => {
      if (platform.spec) platform.spec = { ...platform.spec, prompt: 'disk-full' };
    },
    code: 'run.disk_full',
    message: /No space left on device/,
  },
  {
    name: 'a folder that cannot be made',
    env: { CODEXK8S_RUN_DIR: '/dev/null/run' },
    code: 'run.runner_failed',
    message: /ENOTDIR/,
  },
  {
    name: 'a repository that was removed from the platform',
    before: ({ platform }) => {
      platform.refusesSpec = { status: 409, code: 'run.precondition_failed', message: 'The repository was removed from the platform.' };
    },
    code: 'run.precondition_failed',
    message: /^The repository was removed/,
  },
  {
    name: 'a token that cannot be decrypted',
    before: ({ platform }) => {
      platform.refusesSpec = { status: 500, code: 'secret.undecryptable', message: 'No key opens it.' };
    },
    code: 'secret.undecryptable',
    message: /No key/,
  },
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

test.concurrent.for(cases)('$name ends as $code', async ({ body, spec, env, limits, before, code, message }, { skip }) => {
  skip(limits !== undefined && 'diskKb' in limits && !canMount, 'this machine does not let a user mount a small file system');
  await using harness = await aHarness();
  const { platform } = harness;
  if (platform.spec) platform.spec = { ...platform.spec, ...(body !== undefined && { prompt: aPrompt(body) }), ...spec };
  before?.(harness);

  const exitCode = await harness.start(env, limits).exited;

  expect(exitCode).toBe(0);
  expect(platform.results).toMatchObject([{ outcome: 'failed', failure_code: code, failure_message: expect.stringMatching(message) }]);
  if (!platform.refusesSpec && !env?.['CODEXK8S_RUN_DIR']) expect(platform.lines().join('\n')).toContain(`runner: Failed (${code}): `);
  expect(code === 'run.pull_request_missing').toBe(platform.events.some(({ event_type }) => event_type === 'run.revise.pr_not_found'));
});
