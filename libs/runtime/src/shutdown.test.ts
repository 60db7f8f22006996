import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A service whose orderly stop takes `stopMs`. Resolves when it listens for signals. */
async function aService({ stopMs, withinMs }: { stopMs: number; withinMs: number }) {
  const script = `
    const { shutdownSignal } = await import(${JSON.stringify(new URL('shutdown.ts', import.meta.url).href)});
    const stopping = shutdownSignal({ withinMs: ${withinMs} });
    const work = setInterval(() => undefined, 1000);
    console.log('ready');
    console.log(await stopping);
    await new Promise((resolve) => setTimeout(resolve, ${stopMs}));
    clearInterval(work);
    console.log('stopped in order');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  expect(await next()).toBe('ready');
  return { child, next, ended: once(child, 'exit') };
}

test('a second signal does not cut the orderly stop short', async () => {
  const { child, next, ended } = await aService({ stopMs: 300, withinMs: 10_000 });

  child.kill('SIGINT');
  expect(await next()).toBe('SIGINT');
  child.kill('SIGINT');
  child.kill('SIGTERM');

  expect(await next()).toBe('stopped in order');
  expect(await ended).toEqual([0, null]);
});

test('a stop that hangs is ended', async () => {
  const { child, ended } = await aService({ stopMs: 60_000, withinMs: 100 });

  child.kill('SIGTERM');

  expect(await ended).toEqual([1, null]);
});
