import { fenceUntrusted } from '@codex-k8s/domain';
import { createLogger } from '@codex-k8s/runtime';
import { expect, test } from 'vitest';
import type { Item } from './responses-request.ts';
import { modelServer } from './server.ts';

const app = modelServer(createLogger({ service: 'test', level: 'silent' }));
const trialTools = [
  { type: 'function', name: 'shell', parameters: { type: 'object', properties: { command: { type: 'string' } } } },
  { type: 'function', name: 'mcp__codex_k8s__submit_result' },
  { type: 'function', name: 'mcp__codex_k8s__owner_feedback_request' },
];
const codexTools = [
  { type: 'function', name: 'exec_command' },
  { type: 'function', name: 'write_stdin' },
  { type: 'namespace', name: 'mcp__codex_k8s', tools: [{ type: 'function', name: 'submit_result' }] },
];

function prompt(body: string, kind = 'work'): string {
  return `Task: ${kind}\nIssue: #7\nBase: main\n\nDo it.\n\n${fenceUntrusted({ kind: 'issue', text: `# Add a page\n\n${body}` })}\n`;
}

interface Answer {
  output: { type: string; name?: string; namespace?: string; arguments?: string; call_id?: string; content?: { text: string }[] }[];
  usage: { input_tokens: number };
}

async function ask(input: unknown, tools: unknown = trialTools): Promise<Answer['output'][number]> {
  const response = await app.inject({ method: 'POST', url: '/v1/responses', payload: { model: 'scripted', input, tools } });
  expect(response.statusCode).toBe(200);
  const [item] = response.json<Answer>().output;
  if (!item) throw new Error('no output');
  return item;
}

/** Plays a whole task; `outputs` answers each call, the last one for good. Returns the calls' arguments and the final text. */
async function play(
  text: string,
  answer: (call: string, args: Record<string, unknown>) => string,
): Promise<{ calls: [string, Record<string, unknown>][]; final: string }> {
  const items: Item[] = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }];
  const calls: [string, Record<string, unknown>][] = [];
  for (let turn = 0; turn < 40; turn += 1) {
    const item = await ask(items);
    if (item.type === 'message') return { calls, final: item.content?.[0]?.text ?? '' };
    const args = JSON.parse(item.arguments ?? '{}') as Record<string, unknown>; // the server's own JSON
    calls.push([item.name ?? '', args]);
    items.push(item, { type: 'function_call_output', call_id: item.call_id, output: answer(item.name ?? '', args) });
  }
  throw new Error('the script does not end');
}

const ok = 'Exit code: 0\nOutput:\n';
const commit = `${ok}commit ${'a'.repeat(40)}\n`;

test('the blocks of an issue are done in order, then committed and reported', async () => {
  const { calls, final } = await play(prompt('```file path=a.txt\nhello\n```\n\n```sh\nfalse\n```'), (name, args) => {
    if (name.endsWith('submit_result')) return '{"status":"ok"}';
    if (args['command'] === 'false\n') return 'Exit code: 1\nOutput:\nboom\n';
    return String(args['command']).startsWith('git add') ? commit : ok;
  });

  expect(calls.map(([name]) => name)).toEqual(['shell', 'shell', 'shell', 'mcp__codex_k8s__submit_result']);
  expect(calls[0]?.[1]).toEqual({ command: "cat > 'a.txt' <<'EOF'\nhello\nEOF\n" });
  expect(calls[2]?.[1]['command']).toContain("'Add a page (#7)'");
  expect(calls[3]?.[1]).toMatchObject({ pr_title: 'Add a page (#7)' });
  expect(final).toBe(
    'What was done:\n- Wrote `a.txt`.\n- Committed aaaaaaaaaaaa.\n\nWhat did not work:\n- `false` failed with exit code 1: boom.',
  );
});

test('an issue without a block becomes a note made of its own text', async () => {
  const { calls } = await play(prompt('Please **think**.'), () => commit);

  expect(calls[0]?.[1]['command']).toBe(
    "mkdir -p './notes' && cat > 'notes/issue-7-add-a-page.md' <<'EOF'\n# Add a page\n\nPlease **think**.\nEOF\n",
  );
});

test('a question is repeated until it is answered, and the answer is used', async () => {
  let asked = 0;
  const { calls, final } = await play(prompt('```ask Which?\noptions: red | blue\n```'), (name) => {
    if (!name.endsWith('feedback_request')) return commit;
    asked += 1;
    return asked < 3 ? '{"status":"approval_required","request_id":"1"}' : '{"status":"ok","answer":"blue"}';
  });

  expect(calls.filter(([name]) => name.endsWith('feedback_request'))).toHaveLength(3);
  expect(calls[0]?.[1]).toEqual({ question: 'Which?', options: ['red', 'blue'], allow_custom: true });
  expect(final).toContain('the answer was "blue"');
});

test('an aborted call is issued again, and a message of a person answers a question', async () => {
  const text = prompt('```sh\necho 1\n```\n```ask Which?\n```');
  const user = (said: string): Item => ({ type: 'message', role: 'user', content: said });
  const output = (value: string): Item => ({ type: 'function_call_output', call_id: 'c', output: value });

  const again = await ask([user(text), output('aborted: the agent was interrupted'), user('<turn_aborted>x</turn_aborted>')]);
  const afterAnswer = await ask([user(text), output(ok), output('{"status":"approval_required"}'), user('red')]);

  expect(JSON.parse(again.arguments ?? '')).toEqual({ command: 'echo 1\n' });
  expect(afterAnswer.arguments).toContain('git add');
});

test('a rebuilt workspace starts the steps again but keeps the answers', async () => {
  const text = prompt('```ask Which?\n```\n```sh\necho 1\n```');
  const items: Item[] = [
    { role: 'user', content: text },
    { type: 'function_call_output', call_id: 'c', output: '{"status":"ok","answer":"red"}' },
    { type: 'function_call_output', call_id: 'd', output: ok },
    { role: 'user', content: 'Workspace: rebuilt\nUnpushed work is gone.' },
  ];

  expect((await ask(items)).arguments).toContain('echo 1');
  expect((await ask([...items, { type: 'function_call_output', call_id: 'e', output: ok }])).arguments).toContain('git add');
});

test('Codex is spoken to in its own way, and a running command is polled', async () => {
  const text = prompt('```sh\nmake\n```');
  const first = await ask([{ role: 'user', content: text }], codexTools);
  const running = { type: 'function_call_output', call_id: 'c', output: 'Wall time: 30 s\nProcess running with session ID 5\nOutput:\n' };
  const poll = await ask([{ role: 'user', content: text }, running], codexTools);

  expect([first.name, first.arguments]).toEqual(['exec_command', JSON.stringify({ cmd: 'make\n', yield_time_ms: 30_000 })]);
  expect([poll.name, JSON.parse(poll.arguments ?? '')]).toEqual(['write_stdin', { session_id: 5, chars: '', yield_time_ms: 30_000 }]);
});

test('the failures an issue can ask for', async () => {
  const user = (body: string): unknown => ({ model: 'm', input: prompt(body), tools: trialTools });
  const refused = await app.inject({ method: 'POST', url: '/v1/responses', payload: user('```fail model 429\n```') as object });

  expect(refused.statusCode).toBe(429);
  expect(refused.json()).toMatchObject({ error: { type: 'rate_limit_error' } });
  expect((await play(prompt('```fail\nToo hard.\n```'), () => ok)).final).toBe('Too hard.');
  expect((await play(prompt('```fail no-report\n```'), () => commit)).calls.map(([name]) => name)).toEqual(['shell']);
  expect((await play(prompt('```fail invalid-report\n```'), () => 'Error: summary is too short')).final).toContain('summary is too short');
  expect((await play(prompt('```fail crash\n```'), () => ok)).calls[0]?.[1]).toEqual({ command: 'kill -9 $PPID' });
});

test('a review names what the diff holds', async () => {
  const diff = [
    'diff --git a/x.ts b/x.ts',
    '--- a/x.ts',
    '+++ b/x.ts',
    '@@ -1,2 +1,3 @@',
    ' a',
    '+// TODO later',
    '+<<<<<<< HEAD',
    '\\ No newline at end of file',
  ];
  const { calls } = await play(prompt('', 'review'), (_name, args) => {
    const command = String(args['command']);
    if (command.endsWith('--stat')) return `${ok} x.ts | 2 ++\n 1 file changed, 2 insertions(+)\n`;
    return command.includes('git log') ? `${ok}abcdef1 one\n` : ok + diff.join('\n');
  });

  expect(calls.at(-1)?.[1]).toEqual({
    summary: 'Read 1 commit(s): 1 file(s), 2 line(s) added, 0 removed.\n3 finding(s): 1 error, 1 warning, 1 info.',
    verdict: 'request_changes',
    findings: [
      { path: 'x.ts', line: 2, severity: 'warning', message: 'An open point was left in the code.' },
      { path: 'x.ts', line: 3, severity: 'error', message: 'A merge conflict marker was left.' },
      { path: 'x.ts', line: 3, severity: 'info', message: 'The file does not end with a newline.' },
    ],
  });
});

test('review feedback without a block is noted as addressed', async () => {
  const text = `${prompt('Old body.\n\n```sh\nrm x\n```', 'revise')}\n${fenceUntrusted({ kind: 'review', text: 'Please rename it.' })}`;
  const { calls } = await play(text, () => commit);

  expect(calls[0]?.[1]['command']).toContain('Please rename it.');
  expect(calls[0]?.[1]['command']).toContain('notes/issue-7-add-a-page.md');
});

test('streaming sends the events of the API in order, bad input is a clear error', async () => {
  const streamed = await app.inject({ method: 'POST', url: '/v1/responses', payload: { model: 'm', input: 'hello', stream: true } });
  const wrong = await app.inject({ method: 'POST', url: '/v1/responses', payload: { input: 3 } });
  const broken = await app.inject({ method: 'POST', url: '/v1/responses', payload: '{', headers: { 'content-type': 'application/json' } });

  expect([...streamed.body.matchAll(/^event: (.*)$/gm)].map(([, name]) => name)).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  expect([wrong.statusCode, wrong.json<{ error: { type: string } }>().error.type]).toEqual([400, 'invalid_request_error']);
  expect(broken.statusCode).toBe(400);
});
