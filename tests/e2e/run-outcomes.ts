/** How stories about failing runs ask for what happened: by the API, the comments on the issue, and the processes of the machine. */
import type { Run } from '@codex-k8s/contracts/staff';
import { errorCodes, type ErrorCode } from '@codex-k8s/domain';
import { expect } from 'vitest';
import { processesOfRun } from './processes-of-run.ts';
import type { TrialApi } from './trial-api.ts';
import { until as untilWithin } from './trial-platform.ts';

const fence = '```';

/** Many stories share two cores here: they are patient, and do not ask all the time. */
function until<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  return untilWithin(what, probe, 150_000, 300);
}

/** A block of an issue that the scripted model obeys. */
export const block = (info: string, text = ''): string => `${fence}${info}\n${text}\n${fence}\n\n`;
export const file = (path: string): string => block(`file path=${path}`, 'x');

export const over: readonly string[] = ['waiting_owner_review', 'succeeded', 'failed', 'timed_out', 'cancelled'];
export const atWork: readonly string[] = ['running', 'waiting_mcp'];

/** Creates an issue with this text and puts the label on it. */
export async function labelled(api: TrialApi, body: string): Promise<number> {
  const issue = await api.createIssue(body.split('\n')[0]?.replaceAll('`', '') ?? 'An issue', body);
  await api.label(issue, 'run:dev');
  return issue;
}

/** The newest run of the issue; undefined: none was started. */
export async function findRun(api: TrialApi, issue: number, kind = 'dev'): Promise<Run | undefined> {
  return (await api.runs()).find(
    (run) => run.issue_number === issue && run.trigger_kind === kind && run.repository_full_name === api.repository,
  );
}

export interface Wanted {
  readonly statuses?: readonly string[];
  readonly kind?: string;
}

export async function runOf(api: TrialApi, issue: number, { statuses = over, kind = 'dev' }: Wanted = {}): Promise<Run> {
  return until(`${kind} run of #${issue} to be ${statuses.join(' or ')}`, async () => {
    const run = await findRun(api, issue, kind);
    return run && statuses.includes(run.status) && run;
  });
}

/** The run once its agent has begun to work. */
export async function agentOf(api: TrialApi, issue: number, kind = 'dev'): Promise<Run> {
  const run = await runOf(api, issue, { statuses: atWork, kind });
  await until('the agent to be at work', async () => (await eventTypes(api, run)).includes('run.agent.ready'));
  return run;
}

export async function eventTypes(api: TrialApi, { id }: Pick<Run, 'id'>): Promise<string[]> {
  return (await api.events(id)).map(({ event_type }) => event_type);
}

export interface End {
  readonly code: ErrorCode;
  readonly status?: 'failed' | 'timed_out' | 'cancelled';
  readonly kind?: string;
  /** Where the status comment stands, when that is not the issue. */
  readonly commentOn?: number | undefined;
}

/** The run ended so, people read why and what to do, it is on record once, and nothing goes on. */
export async function expectEnd(
  api: TrialApi,
  issue: number,
  { code, status = 'failed', kind = 'dev', commentOn = issue }: End,
): Promise<Run> {
  const run = await until(`${kind} run of #${issue} to end`, async () => {
    const found = await findRun(api, issue, kind);
    return found?.finished_at !== undefined && found;
  });
  expect([run.status, run.failure_code, run.failure_message]).toEqual([status, code, expect.any(String)]);
  const { remedy } = errorCodes[code];
  expect((await api.run(run.id)).failure).toMatchObject({ code, remedy });
  const comments = await until('the comment', async () => {
    const all = (await api.comments(commentOn)).filter((text) => text.includes(`"run_id":"${run.id}"`));
    return all.some((text) => text.includes(code)) && all;
  });
  expect(comments).toEqual([expect.stringContaining(remedy)]);
  const events = await eventTypes(api, run);
  expect(events[0]).toBe('run.enqueued');
  expect(events.filter((type) => ['run.failed', 'run.canceled', 'run.succeeded'].includes(type))).toHaveLength(1);
  await until('the trigger label to go', async () => !(await api.labels(issue)).some((name) => name.startsWith('run:')));
  await until('its processes to end', async () => processesOfRun(run.id).length === 0);
  return run;
}
