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

test('a webhook that was missed while the platform was away is asked for again', async () => {
  const first = await start();
  const issue = await first.api.createIssue('Missed', `${fence}file path=missed.txt\nfound\n${fence}\n`);
  const { trial } = first;
  const hooks = await first.api.github<{ id: number; config: { url: string } }[]>('GET', '/repos/demo-owner/hello/hooks');
  const hook = hooks[0];
  if (!hook) throw new Error('no hook');
  // Deliveries go nowhere for a moment, as when the gateway is down.
  await first.api.github('PATCH', `/repos/demo-owner/hello/hooks/${hook.id}`, {
    config: { ...hook.config, url: 'http://127.0.0.1:9/nowhere' },
  });
  await first.api.label(issue, 'run:dev');
  await until('the failed delivery', async () =>
    (await first.api.github<{ event: string; status_code: number }[]>('GET', `/repos/demo-owner/hello/hooks/${hook.id}/deliveries`)).find(
      ({ event, status_code }) => event === 'issues' && status_code !== 202,
    ),
  );
  await first.api.github('PATCH', `/repos/demo-owner/hello/hooks/${hook.id}`, {
    config: { ...hook.config, url: `${trial.apiUrl}/webhooks/github` },
  });
  await trial.stop();

  const second = await start(first.folder);

  const run = await until('the run', async () => (await second.api.runs()).find(({ issue_number }) => issue_number === issue), 90_000);
  expect(run.trigger_label).toBe('run:dev');
});
