import { getRun, listRunEvents, type FlowEvent, type RunDetails } from '@codex-k8s/contracts/staff';
import type { Command } from 'commander';
import { unwrap } from '../api.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context } from '../context.ts';
import { eventWords } from '../event-words.ts';
import { resolveRunId, shortIdLength } from '../resolve-ids.ts';
import { statusText } from '../run-status.ts';
import { oneLine, printable, renderFacts } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { duration } from '../times.ts';

interface ShowOptions extends ApiOptions {
  readonly events?: boolean;
}

export function addRunShow(runs: Command, context: Context): void {
  overApi(runs.command('show <run>'))
    .description('One run: its state, its report, and what the code host confirmed of it.')
    .option('--events', 'what happened, oldest first')
    .action((run: string, options: ShowOptions) => show(context, run, options));
}

async function show(context: Context, text: string, options: ShowOptions): Promise<void> {
  const { terminal } = context;
  const { client } = openSession(context, options);
  const runId = await resolveRunId(client, text);
  const details = await unwrap(getRun({ client, path: { run_id: runId } }));
  const events =
    options.events === true ? (await unwrap(listRunEvents({ client, path: { run_id: runId }, query: { limit: 1000 } }))).items : undefined;
  if (options.json === true) return printJson(context, events ? { ...details, events } : details);
  for (const line of renderRun(details, { now: context.now() })) terminal.out(line);
  if (events) for (const line of ['', ...renderEvents(events, terminal)]) terminal.out(line);
}

export function renderRun(details: RunDetails, { now }: { now: Date }): string[] {
  const { run, failure, report, verification, session, usage, next_step: next } = details;
  return [
    ...renderFacts([
      ['Run', run.id],
      ['Status', statusText(run)],
      [
        'Issue',
        run.issue_number === undefined ? undefined : oneLine(`${run.repository_full_name}#${run.issue_number} ${run.issue_title ?? ''}`),
      ],
      ['Pull request', run.pr_url],
      ['Agent', `${run.agent_name} (${run.agent_key}), ${run.program}${run.scripted === true ? ', scripted model, not an AI' : ''}`],
      ['Isolated', details.isolated ? 'yes' : 'no: a plain process of the platform’s machine'],
      ['Trigger', [run.trigger_label ?? run.trigger_kind, run.triggered_by && `by ${run.triggered_by}`].filter(Boolean).join(' ')],
      ['Attempt', String(run.attempt)],
      ['Took', duration(run.started_at, run.finished_at, now)],
      ['Branch', details.branch && `${details.branch} at ${details.head_sha?.slice(0, 12) ?? 'no commit yet'}`],
      ['Confirmed', verification && `${verification.confirmed ? 'yes' : 'no'}, by the code host at ${verification.checked_at}`],
      ['Session', session?.last_resume],
      ['Tokens', usage && `${usage.input_tokens} in, ${usage.output_tokens} out`],
      [
        'Related',
        details.related_runs
          .map(({ id, relation, trigger_kind: kind }) => `${relation} ${kind} ${id.slice(0, shortIdLength)}`)
          .join(', ') || undefined,
      ],
      [
        'Decision',
        details.pending_approval_id === undefined ? undefined : `codexk8s approvals decide ${details.pending_approval_id} approve`,
      ],
      ['Next step', next && `${next.label}${next.available ? '' : ' (not available)'}`],
    ]),
    ...(verification && !verification.confirmed
      ? ['', ...verification.checks.map(({ name, ok, detail }) => `  ${ok ? 'ok  ' : 'fail'}  ${name}  ${oneLine(detail ?? '')}`)]
      : []),
    ...(failure ? ['', `Failed: ${oneLine(failure.message)} [${failure.code}]`, `  ${failure.cause}`, `  ${failure.remedy}`] : []),
    ...(report
      ? [
          '',
          'The agent says:',
          ...printable(report.summary)
            .trimEnd()
            .split('\n')
            .map((line) => `  ${line}`),
        ]
      : []),
  ];
}

function renderEvents(events: readonly FlowEvent[], terminal: Terminal): string[] {
  return events.map((event) =>
    `${terminal.paint('dim', event.created_at)}  ${event.event_type.padEnd(30)}  ${oneLine(eventWords(event) ?? '')}`.trimEnd(),
  );
}
