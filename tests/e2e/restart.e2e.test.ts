import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { trialApi } from './trial-api.ts';
import { startTrial, trialFolder, until, type Trial } from './trial-platform.ts';

const folders: { remove: () => void }[] = [];
const trials: Trial[] = [];
afterEach(async () => {
  for (const trial of trials.splice(0)) await trial.kill();
  for (const folder of folders.splice(0)) folder.remove();
});

async function start(
  folder = newFolder(),
): Promise<{ trial: Trial; api: ReturnType<typeof trialApi>; folder: ReturnType<typeof trialFolder> }> {
  const trial = await startTrial({ dataDir: folder.path });
  trials.push(trial);
  return { trial, api: trialApi(trial), folder };
}

function newFolder(): ReturnType<typeof trialFolder> {
  const folder = trialFolder();
  folders.push(folder);
  return folder;
}

/** Processes that work for this data folder, agents and their commands included. */
function leftOvers(dataDir: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return (
        readFileSync(`/proc/${name}/environ`, 'latin1').includes(dataDir) ||
        readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(dataDir)
      );
    } catch {
      return false; // ended meanwhile
    }
  });
}

const fence = '```';
const slowIssue = `${fence}file path=one.txt\none\n${fence}\n\n${fence}sleep 4\n${fence}\n\n${fence}file path=two.txt\ntwo\n${fence}\n`;

test.each(['stop', 'kill'] as const)('a platform that meets its end by %s in the middle of a run goes on where it was', async (end) => {
  const first = await start();
  const issue = await first.api.createIssue('Slow', slowIssue);
  await first.api.label(issue, 'run:dev');
  const run = await until('the agent to work', async () => {
    const [found] = await first.api.runs();
    const isAtWork = found && (await first.api.events(found.id)).some(({ event_type }) => event_type === 'run.agent.session.saved');
    return isAtWork && found;
  });

  if (end === 'stop') {
    expect(await first.trial.stop()).toBeLessThan(5_000);
    expect(leftOvers(first.trial.dataDir)).toEqual([]);
  } else {
    await first.trial.kill();
  }
  const second = await start(first.folder);
  const details = await until('the delivery', async () => {
    const found = await second.api.run(run.id);
    return ['waiting_owner_review', 'failed'].includes(found.run.status) && found;
  });

  expect(details.run.status).toBe('waiting_owner_review');
  expect(details.verification).toMatchObject({ confirmed: true });
  expect([await second.api.fileAt(`codex/issue-${issue}`, 'one.txt'), await second.api.fileAt(`codex/issue-${issue}`, 'two.txt')]).toEqual([
    'one\n',
    'two\n',
  ]);
  const stageRuns = (await second.api.runs()).filter(({ agent_key }) => agent_key === 'dev');
  expect(stageRuns).toHaveLength(1);
  if (end === 'stop') expect(details).toMatchObject({ run: { attempt: 2 }, session: { last_resume: 'resumed' } });
});
