/**
 * kill -9 at random points: workers, control plane, gateway, agent runners and agents, at least 200 times, while issues are labelled. Set
 * CODEXK8S_CHAOS_SEED to repeat a run's choices and CODEXK8S_CHAOS_POINTS to change how many.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'vitest';
import { allowLosses, chaosBody, expectEverythingOnce, randomOf } from './chaos.ts';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';
import { trialFolder } from './trial-platform.ts';

const seed = Number(process.env['CODEXK8S_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const points = Number(process.env['CODEXK8S_CHAOS_POINTS'] ?? 200);
const issueCount = 12;
/** Kills one live process of a run: `job` is the runner, `agent` the agent. */
function killOfRun(dataDir: string, file: 'job' | 'agent', random: () => number): boolean {
  const pids = readdirSync(join(dataDir, 'runs')).flatMap((run) => {
    try {
      const { pid } = JSON.parse(readFileSync(join(dataDir, 'runs', run, `${file}.json`), 'utf8')) as { pid: number };
      process.kill(pid, 0);
      // The pid must still be of this run: numbers are used again.
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`CODEXK8S_RUN_ID=${run}`) ? [pid] : [];
    } catch {
      return []; // none now, or ended meanwhile
    }
  });
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false; // ended this very moment
  }
}

/** Waits a moment for a process of a run to be there: otherwise the services would take all the blows, and no run would get to live. */
async function strikeRun(dataDir: string, file: 'job' | 'agent', random: () => number): Promise<boolean> {
  for (let tries = 0; tries < 8; tries += 1) {
    if (killOfRun(dataDir, file, random)) return true;
    await pause(100);
  }
  return false;
}

async function strike({ services, dataDir }: SeparateServices, random: () => number): Promise<string | undefined> {
  const dice = random();
  if (dice < 0.3) return (await strikeRun(dataDir, 'job', random)) ? 'runner' : undefined;
  if (dice < 0.6) return (await strikeRun(dataDir, 'agent', random)) ? 'agent' : undefined;
  const wanted = dice < 0.7 ? 'control-plane' : dice < 0.75 ? 'gateway' : 'worker';
  const chosen = services.filter(({ name }) => name.startsWith(wanted));
  const service = chosen[Math.floor(random() * chosen.length)];
  service?.kill();
  return service && wanted;
}

test(`${points} kills at random points (seed ${seed}) lose, double and stick nothing`, { timeout: 900_000 }, async () => {
  const random = randomOf(seed);
  const folder = trialFolder();
  await using platform = await startSeparateServices({ dataDir: folder.path, workers: 2 });
  const { api } = platform;
  await allowLosses(platform);
  const issues: number[] = [];
  const kills = new Map<string, number>();
  const startedAt = performance.now();

  for (let done = 0; done < points;) {
    if (issues.length < issueCount && done * issueCount >= issues.length * points * 0.6) {
      const n = issues.length;
      const issue = await api.createIssue(`Chaos ${n}`, chaosBody(n));
      await api.label(issue, 'run:dev');
      issues.push(issue);
    }
    const killed = await strike(platform, random);
    if (killed) {
      kills.set(killed, (kills.get(killed) ?? 0) + 1);
      done += 1;
    }
    await pause(50 + random() * 300);
  }
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;
  console.log(
    `seed ${seed}, ${points} points: killed ${JSON.stringify(Object.fromEntries(kills))} in ${seconds(startedAt)}, ${issues.length} issues`,
  );
  const drainedFrom = performance.now();

  await expectEverythingOnce(platform, { issues, drainMs: Number(process.env['CODEXK8S_CHAOS_DRAIN_MS'] ?? 300_000) });
  console.log(`seed ${seed}, ${points} points: everything at its end ${seconds(drainedFrom)} after the last kill`);
  folder.remove();
});
