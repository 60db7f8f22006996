/** `npm run bench`: every benchmark; `npm run bench -- webhooks`: one. Each is a process of its own; the exit code is 1 when one was wrong. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const benchmarks = ['webhooks', 'claims', 'trial', 'scale', 'pods'] as const;
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benchmarks.some((known) => known === name));
if (unknown.length > 0) throw new Error(`No such benchmark: ${unknown.join(', ')}. There are ${benchmarks.join(', ')}.`);

if (!existsSync(join(import.meta.dirname, 'node_modules'))) {
  const { status } = spawnSync('npm', ['ci', '--prefer-offline'], { cwd: import.meta.dirname, stdio: 'inherit' });
  if (status !== 0) throw new Error('npm ci in bench/ failed');
}
for (const name of benchmarks) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, name, 'main.ts')], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
