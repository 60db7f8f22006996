/**
 * The trial: from the command to the printed address, in a fresh folder and in a kept one, and the memory of all its processes, idle and after a
 * run and its review. The console is built before, as it is from the second start on.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, ms, table } from '../figures.ts';
import { describeMachine } from '../machine.ts';
import { memoryOf, type Memory } from '../proc.ts';
import { pathOf, until } from '../processes.ts';

const starts = 5;
const idleSec = 20;
const cli = pathOf('services/staff/cli/bin/codexk8s.mjs');

interface Ready {
  readonly api_url: string;
  readonly admin_token: string;
  readonly github_url: string;
  readonly github_token: string;
}

interface Trial extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly ready: Ready;
  readonly startMs: number;
}

async function start(dataDir: string): Promise<Trial> {
  const startAt = performance.now();
  const child = spawn(process.execPath, [cli, 'up', '--json', '--port', '0', '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(() => undefined)]);
  if (!line) throw new Error('the trial ended before it was ready');
  const startMs = performance.now() - startAt;
  return {
    child,
    ready: JSON.parse(String(line[0])) as Ready, // its documented line
    startMs,
    async [Symbol.asyncDispose]() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** How long a start takes in each of two situations, one after the other, several times. */
async function measureStarts(root: string): Promise<{ fresh: number[]; kept: number[] }> {
  const times = { fresh: [] as number[], kept: [] as number[] };
  for (let n = 0; n < starts; n += 1) {
    const dataDir = join(root, `start-${n}`);
    for (const situation of ['fresh', 'kept'] as const) {
      await using trial = await start(dataDir);
      times[situation].push(trial.startMs);
    }
  }
  return times;
}

async function call<T>(url: string, { token, method, body }: { token: string; method?: string; body?: object }): Promise<T> {
  const response = await fetch(url, {
    method: method ?? 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T; // our own API
}

/** Labels the first demo issue and waits until its run is reviewed and nothing works any more. */
async function runOnce({ api_url: api, admin_token: token, github_url: github, github_token: githubToken }: Ready): Promise<void> {
  const issue = `${github}/api/v3/repos/demo-owner/hello/issues/1/labels`;
  await call(issue, { token: githubToken, method: 'POST', body: { labels: ['run:dev'] } });
  await until(
    'the run and its review',
    async () => {
      const { items } = await call<{ items: { status: string; trigger_kind: string }[] }>(`${api}/staff/runs`, { token });
      if (items.some(({ status }) => status === 'failed')) throw new Error('the demo run failed');
      return (
        items.some(({ status }) => status === 'waiting_owner_review') &&
        items.some(({ trigger_kind, status }) => trigger_kind === 'review' && status === 'succeeded')
      );
    },
    180_000,
  );
}

async function measureMemory(root: string): Promise<Record<string, Memory>> {
  await using trial = await start(join(root, 'memory'));
  const { pid } = trial.child;
  if (pid === undefined) throw new Error('the trial has no process');
  await sleep(idleSec * 1000);
  const idle = memoryOf(pid);
  await runOnce(trial.ready);
  await sleep(idleSec * 1000);
  return { [`idle, ${idleSec} s after the start`]: idle, [`${idleSec} s after a run and its review`]: memoryOf(pid) };
}

await using stack = new AsyncDisposableStack();
const root = mkdtempSync(join(tmpdir(), 'codexk8s-bench-trial-'));
stack.defer(() => rmSync(root, { recursive: true, force: true }));
console.log(`## Trial\n\n${describeMachine()}\n`);
{
  await using _builds = await start(join(root, 'build')); // the console, where it is not built yet
}
const { fresh, kept } = await measureStarts(root);
console.log(
  table(
    [`start, ${starts} times each`, 'median', 'fastest', 'slowest'],
    Object.entries({ 'fresh folder': fresh, 'kept folder': kept }).map(([what, times]) => [
      what,
      ms(median(times)),
      ms(Math.min(...times)),
      ms(Math.max(...times)),
    ]),
  ),
);
const memory = await measureMemory(root);
console.log('');
console.log(
  table(
    ['memory', 'processes', 'RSS', 'PSS', 'RSS of 500 MB'],
    Object.entries(memory).map(([what, { processes, rssMib, pssMib }]) => [
      what,
      String(processes),
      `${rssMib.toFixed(0)} MiB`,
      `${pssMib.toFixed(0)} MiB`,
      ((rssMib * 1.048576) / 500).toFixed(2),
    ]),
  ),
);
console.log('');
