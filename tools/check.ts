/** `npm run check`: everything CI checks besides the tests, fastest first. Says what failed and the command that repeats it, nothing else. */
import { spawnSync } from 'node:child_process';

const checks = ['fmt:check', 'secrets', 'licenses', 'lint', 'arch', 'gen:check', 'types'] as const;

const failed: string[] = [];
for (const name of checks) {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '-s', name], { encoding: 'utf8' });
  if (status === 0) continue;
  failed.push(name);
  console.error(`\n${stdout}${stderr}\n✗ ${name}: repeat with \`npm run ${name}\``);
}
if (failed.length > 0) process.exitCode = 1;
