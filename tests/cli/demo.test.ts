import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codexk8s, processesOf } from './command.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-demo-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  run_id: string;
  status: string;
  pull_request: { number: number; url: string; branch: string; head_sha: string };
  review: { status: string; verdict: string };
  verification: { confirmed: boolean };
  files: { path: string; content: string }[];
  events: { event_type: string }[];
  failure?: unknown;
}

test('the demo delivers exactly the content that an awkward issue asks for, and leaves nothing behind', { timeout: 60_000 }, async () => {
  const content = '"double" \'single\' `tick` $HOME ${x} $(id) \\n %s !! & ; | <b> Привет 日本 🚀\n\n  indented\ttab\n$';
  const issue = join(folder, 'issue.md');
  writeFileSync(issue, `## Awkward: "q" $HOME \`id\` Ж\n\n\`\`\`file path="docs/a b's ж.txt"\n${content}\n\`\`\``); // no line end after the fence

  const { stdout, stderr, ended } = codexk8s(['demo', '--json', '--issue', issue], { cwd: folder, env: { TMPDIR: folder } });
  const code = await ended;

  expect({ code, stderr: stderr() }).toEqual({ code: 0, stderr: '' });
  const report = JSON.parse(stdout()) as Report; // one object and nothing else, or this throws
  expect(report).toMatchObject({
    status: 'succeeded',
    pull_request: { branch: expect.stringMatching(/^codex\/issue-\d+/), head_sha: expect.stringMatching(/^[0-9a-f]{40}$/) },
    review: { status: 'succeeded', verdict: 'approve' },
    verification: { confirmed: true },
    files: [{ path: "docs/a b's ж.txt", content: `${content}\n` }],
  });
  expect(report.failure).toBeUndefined();
  expect(report.events.map(({ event_type: type }) => type)).toEqual(
    expect.arrayContaining(['run.started', 'run.review.posted', 'run.succeeded']),
  );
  expect(processesOf(folder)).toEqual([]);
  expect(readdirSync(folder).filter((name) => name.startsWith('codexk8s-demo-'))).toEqual([]);
});

test('a demo without enough time fails with a code, a remedy and no process left', { timeout: 30_000 }, async () => {
  const { stdout, ended } = codexk8s(['demo', '--json', '--timeout', '1'], { cwd: folder, env: { TMPDIR: folder } });
  const code = await ended;

  expect(code).toBe(1);
  expect(JSON.parse(stdout())).toMatchObject({ status: 'not_started', failure: { code: 'run.timed_out', remedy: expect.any(String) } });
  expect(processesOf(folder)).toEqual([]);
});

test('an issue file without a title is a usage error before anything starts', async () => {
  const issue = join(folder, 'empty.md');
  writeFileSync(issue, '\n');

  const { stdout, stderr, ended } = codexk8s(['demo', '--json', '--issue', issue], { cwd: folder });

  expect(await ended).toBe(2);
  expect(stdout()).toBe('');
  expect(JSON.parse(stderr())).toMatchObject({ code: 'request.invalid' });
});
