import { expect, test } from 'vitest';
import { agentEvents } from './agent-events.ts';

function read(...events: readonly unknown[]) {
  const said: string[] = [];
  const reached: string[] = [];
  const reader = agentEvents(
    (stream, text) => said.push(`${stream}: ${text}`),
    (milestone) => reached.push(milestone),
  );
  for (const event of events) reader.line(typeof event === 'string' ? event : JSON.stringify(event));
  return { said, reached, report: reader.report };
}

test('the stream of a turn becomes log lines, milestones and facts', () => {
  const command = { id: '1', type: 'command_execution', command: 'make' };
  const submit = { id: '2', type: 'mcp_tool_call', server: 's', tool: 'submit_result', arguments: { tool_gaps: ['protoc'] } };
  const { said, reached, report } = read(
    { type: 'thread.started', thread_id: 't-1' },
    { type: 'turn.started' },
    { type: 'item.completed', item: { id: '0', type: 'error', message: 'Model metadata not found' } },
    { type: 'item.started', item: { ...command, aggregated_output: '', exit_code: null, status: 'in_progress' } },
    {
      type: 'item.completed',
      item: { ...command, aggregated_output: 'bash: line 1: make: command not found\n', exit_code: 127, status: 'failed' },
    },
    { type: 'item.started', item: { ...submit, result: null, error: null, status: 'in_progress' } },
    {
      type: 'item.completed',
      item: { ...submit, result: { content: [{ type: 'text', text: 'ok' }], structured_content: null }, error: null, status: 'completed' },
    },
    { type: 'item.completed', item: { id: '3', type: 'agent_message', text: 'Done.' } },
    { type: 'item.completed', item: { id: '4', type: 'something_new' } },
    'free text',
    { type: 'turn.completed', usage: { input_tokens: 5, cached_input_tokens: 1, output_tokens: 2 } },
  );

  expect(said).toEqual([
    'agent: warning: Model metadata not found',
    'tool: $ make',
    'tool: bash: line 1: make: command not found',
    'tool: exit code 127',
    'tool: submit_result {"tool_gaps":["protoc"]}',
    'tool: submit_result: ok',
    'agent: Done.',
    'agent: free text',
  ]);
  expect(reached).toEqual(['session-started', 'waiting', 'waiting', 'turn-ended']);
  expect(report).toEqual({
    threadId: 't-1',
    isTurnCompleted: true,
    failure: undefined,
    lastWords: 'Done.',
    report: 'accepted',
    refusal: undefined,
    reportedGaps: ['protoc'],
    outputGaps: ['make'],
    usage: { input_tokens: 5, output_tokens: 2 },
  });
});

test('a retry is no failure, a failed turn is one', () => {
  const { report } = read({ type: 'error', message: 'Reconnecting… 1/4' });
  const failed = read({ type: 'error', message: 'x' }, { type: 'turn.failed', error: { message: 'unexpected status 401' } });

  expect(report.failure).toBeUndefined();
  expect(failed.report).toMatchObject({ failure: 'unexpected status 401', isTurnCompleted: false });
});

test('a refused report is remembered until one is accepted', () => {
  const submit = { id: '2', type: 'mcp_tool_call', tool: 'submit_result', arguments: {} };
  const refused = { type: 'item.completed', item: { ...submit, result: null, error: { message: 'summary is missing' }, status: 'failed' } };
  const asText = {
    type: 'item.completed',
    item: { ...submit, result: { content: [{ text: '{"status":"error"}' }], structured_content: null }, error: null, status: 'completed' },
  };
  const accepted = {
    type: 'item.completed',
    item: { ...submit, result: { content: [], structured_content: null }, error: null, status: 'completed' },
  };

  expect(read(refused).report).toMatchObject({ report: 'refused', refusal: 'summary is missing' });
  expect(read(asText).report.report).toBe('refused');
  expect(read(refused, accepted).report).toMatchObject({ report: 'accepted', refusal: undefined });
});
