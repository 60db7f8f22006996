import { downloadRunLogs, getRunLogs, type LogLine } from '@codex-k8s/contracts/staff';
import type { Command } from 'commander';
import { z } from 'zod';
import { unwrap } from '../api.ts';
import { parseJson } from '../connection.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context, type Session } from '../context.ts';
import { followStream } from '../event-stream.ts';
import { parseCount } from '../option-values.ts';
import { resolveRunId } from '../resolve-ids.ts';
import { printable } from '../table.ts';
import { CliError } from '../cli-error.ts';

interface LogOptions extends ApiOptions {
  readonly follow?: boolean;
  readonly tail: number;
  readonly all?: boolean;
  readonly search?: string;
}

/** The part of a streamed line that is shown. */
const ShownLine = z.looseObject({ n: z.number(), text: z.string(), stream: z.enum(['agent', 'tool', 'runner', 'stderr', 'cluster']) });

export function addRunLogs(runs: Command, context: Context): void {
  overApi(runs.command('logs <run>'))
    .description(
      "A run's log. Lines are shown as the agent wrote them, without control characters; secrets were removed before they were stored.",
    )
    .option('-f, --follow', 'go on until the run is over; with --json one object a line')
    .option('-n, --tail <n>', 'the last lines, up to 2000', parseCount, 200)
    .option('--all', 'the whole log')
    .option('--search <text>', 'only lines with this text')
    .action((run: string, options: LogOptions) => logs(context, run, options));
}

async function logs(context: Context, text: string, options: LogOptions): Promise<void> {
  const session = openSession(context, options);
  const runId = await resolveRunId(session.client, text);
  if (options.all === true && options.json !== true && options.follow !== true) return printAll(context, session, runId);
  const page = await unwrap(
    getRunLogs({
      client: session.client,
      path: { run_id: runId },
      query: { limit: Math.min(options.tail, 2000), ...(options.search !== undefined && { search: options.search }) },
    }),
  );
  if (options.json === true && options.follow !== true) return printJson(context, page);
  for (const line of page.items) printLine(context, line, options);
  if (page.truncated === true) context.terminal.err('The agent printed more than is kept; the rest was dropped.');
  if (page.expired === true) context.terminal.err('The log was removed by retention.');
  if (options.follow === true) await follow(context, session, { runId, after: page.items.at(-1)?.n ?? 0, options });
}

async function printAll({ terminal }: Context, { client }: Session, runId: string): Promise<void> {
  const text = await unwrap(downloadRunLogs({ client, path: { run_id: runId }, parseAs: 'text' }));
  if (text !== '') terminal.out(printable(text).replace(/\n$/, ''));
}

async function follow(
  context: Context,
  { connection }: Session,
  { runId, after, options }: { runId: string; after: number; options: LogOptions },
): Promise<void> {
  const wanted = options.search?.toLowerCase();
  for await (const { event, data } of followStream(connection, `/staff/runs/${runId}/logs/stream`, after)) {
    if (event !== 'log') continue;
    const line = ShownLine.safeParse(parseJson(data));
    if (!line.success)
      throw new CliError('failed', {
        code: 'internal',
        message: 'A log line could not be read.',
        remedy: 'Update codexk8s to the version of the platform.',
      });
    if (wanted === undefined || line.data.text.toLowerCase().includes(wanted)) printLine(context, line.data, options);
  }
}

function printLine({ terminal }: Context, line: Pick<LogLine, 'text' | 'stream'>, { json }: LogOptions): void {
  if (json === true) terminal.out(JSON.stringify(line));
  else
    terminal.out(
      line.stream === 'agent' ? printable(line.text) : terminal.paint(line.stream === 'stderr' ? 'red' : 'dim', printable(line.text)),
    );
}
