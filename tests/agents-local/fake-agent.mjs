// An agent of the tests, in the shape of the trial agent's output. The prompt's first line says what it does.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const argument = (name) => process.argv[process.argv.indexOf(name) + 1];
const cwd = argument('--cwd');
const [behaviour] = (await text(process.stdin)).split('\n');

writeFileSync(argument('--session'), `${JSON.stringify({ type: 'session_meta', id: 'fake-1' })}\n`);
say({ type: 'thread.started', thread_id: 'fake-1' });
writeFileSync(`${cwd}/left.txt`, 'left\n');
if (behaviour === 'steers-git') {
  execFileSync('git', ['config', 'url.http://127.0.0.1:1/.insteadOf', 'file://'], { cwd });
  execFileSync('git', ['config', 'credential.helper', '!touch stolen'], { cwd });
  writeFileSync(`${cwd}/.git/hooks/pre-push`, '#!/bin/sh\ntouch stolen\nexit 1\n', { mode: 0o755 });
}
if (behaviour === 'disk-full') {
  process.stderr.write('write failed: No space left on device\n');
  process.exit(1);
}
if (behaviour === 'floods') {
  const line = `${'x'.repeat(1023)}\n`.repeat(1024);
  for (let megabyte = 0; megabyte < 100; megabyte += 1) {
    if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}
say({
  type: 'item.completed',
  item: {
    id: 'i',
    type: 'mcp_tool_call',
    server: 's',
    tool: 'submit_result',
    arguments: { tool_gaps: ['protoc'] },
    result: { content: [], structured_content: null },
    error: null,
    status: 'completed',
  },
});
say({ type: 'turn.completed', usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 } });
