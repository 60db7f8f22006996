import { cancelRun, listRuns, retryRun, type Run, type RunStatus } from '@codex-k8s/contracts/staff';
import { runStatuses } from '@codex-k8s/domain';
import { Option, type Command } from 'commander';
import { unwrap } from '../api.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context } from '../context.ts';
import { parseCount } from '../option-values.ts';
import { resolveProject, resolveRunId, shortIdLength } from '../resolve-ids.ts';
import { statusText } from '../run-status.ts';
import { renderTable, shorten } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { ago, duration } from '../times.ts';
import { addRunLogs } from './run-logs.ts';
import { addRunShow } from './run-show.ts';

interface ListOptions extends ApiOptions {
  readonly project?: string;
  readonly status?: RunStatus[];
  readonly agent?: string;
  readonly issue?: number;
  readonly search?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export function addRuns(program: Command, context: Context): void {
  const runs = program
    .command('runs')
    .summary('what the agents do and did')
    .description('Runs: list, show, logs, cancel, retry. An id may be shortened to its first characters.');
  overApi(runs.command('list'))
    .description('Runs you may see, newest first.')
    .option('-p, --project <slug>', 'of one project')
    .addOption(new Option('-s, --status <status...>', 'in one of these').choices(runStatuses))
    .option('--agent <key>', 'of one agent, such as dev')
    .option('--issue <number>', 'of one issue', parseCount)
    .option('--search <words>', 'words of the title, the repository, or an id')
    .option('--limit <n>', 'how many', parseCount, 30)
    .option('--cursor <cursor>', 'next_cursor of the page before')
    .action((options: ListOptions) => list(context, options));
  addRunShow(runs, context);
  addRunLogs(runs, context);
  overApi(runs.command('cancel <run>'))
    .description('Cancels an unfinished run.')
    .option('--reason <text>', 'kept with the run')
    .action((run: string, options: ApiOptions & { reason?: string }) => cancel(context, run, options));
  overApi(runs.command('retry <run>'))
    .description('Starts a new run with the trigger of one that failed; prints its id.')
    .action((run: string, options: ApiOptions) => retry(context, run, options));
}

async function list(context: Context, options: ListOptions): Promise<void> {
  const { client } = openSession(context, options);
  const project = options.project === undefined ? undefined : await resolveProject(client, options.project);
  const page = await unwrap(
    listRuns({
      client,
      query: {
        limit: options.limit,
        ...(project && { project_id: project.id }),
        ...(options.status && { status: options.status }),
        ...(options.agent !== undefined && { agent_key: options.agent }),
        ...(options.issue !== undefined && { issue_number: options.issue }),
        ...(options.search !== undefined && { q: options.search }),
        ...(options.cursor !== undefined && { cursor: options.cursor }),
      },
    }),
  );
  if (options.json === true) return printJson(context, page);
  const { terminal } = context;
  if (page.items.length === 0) terminal.err('No runs.');
  else for (const line of renderRuns(page.items, { terminal, now: context.now() })) terminal.out(line);
  if (page.next_cursor !== undefined) terminal.err(`More: --cursor ${page.next_cursor}`);
}

export function renderRuns(runs: readonly Run[], { terminal, now }: { terminal: Terminal; now: Date }): string[] {
  const [head = '', ...lines] = renderTable(
    ['RUN', 'STATUS', 'AGENT', 'ISSUE', 'PR', 'CREATED', 'TOOK', 'TITLE'],
    runs.map((run) => [
      run.id.slice(0, shortIdLength),
      statusText(run),
      run.agent_key,
      run.issue_number === undefined ? '-' : `${run.repository_full_name}#${run.issue_number}`,
      run.pr_number === undefined ? '-' : `#${run.pr_number}`,
      ago(run.created_at, now),
      duration(run.started_at, run.finished_at, now) ?? '-',
      shorten(run.issue_title ?? '', 60),
    ]),
  );
  return [terminal.paint('dim', head), ...lines];
}

async function cancel(context: Context, text: string, { reason, ...options }: ApiOptions & { reason?: string }): Promise<void> {
  const { client } = openSession(context, options);
  const runId = await resolveRunId(client, text);
  const run = await unwrap(cancelRun({ client, path: { run_id: runId }, body: reason === undefined ? {} : { reason } }));
  if (options.json === true) printJson(context, run);
  else context.terminal.out(`Run ${run.id} is ${run.status}.`);
}

async function retry(context: Context, text: string, options: ApiOptions): Promise<void> {
  const { client } = openSession(context, options);
  const runId = await resolveRunId(client, text);
  const run = await unwrap(retryRun({ client, path: { run_id: runId } }));
  if (options.json === true) printJson(context, run);
  else context.terminal.out(`Run ${run.id} is ${run.status}.`);
}
