import { expect, test } from 'vitest';
import { collectToolGaps, missingTools } from './tool-gaps.ts';

test('every way to say that a program is missing is understood', () => {
  const output = [
    'exec: "golangci-lint": executable file not found in $PATH',
    '/bin/bash: line 1: jq: command not found',
    'sh: 1: protoc: not found',
    'Error: spawn buf ENOENT',
    'ERROR: Missing required command: kubectl',
    'command not found: nothing',
    'a: command not found elsewhere',
  ].join('\n');

  expect(missingTools(output)).toEqual(['golangci-lint', 'jq', 'protoc', 'buf', 'kubectl']);
});

test('gaps are distinct in any spelling, the report comes first, and only real sources are named', () => {
  const gaps = collectToolGaps([
    ['report.tool_gaps', [' protoc ', '', 'JQ']],
    ['agent_output', ['jq', 'kubectl']],
    ['git_push_output', []],
  ]);

  expect(gaps).toEqual({ toolGaps: ['protoc', 'JQ', 'kubectl'], sources: ['report.tool_gaps', 'agent_output'] });
});
