import { decideApproval, listApprovals, type ApprovalRequest, type ApprovalState } from '@codex-k8s/contracts/staff';
import { Argument, Option, type Command } from 'commander';
import type { Client } from '@codex-k8s/contracts/staff/client';
import { unwrap } from '../api.ts';
import { CliError, notFound, usageError } from '../cli-error.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context } from '../context.ts';
import { parseCount } from '../option-values.ts';
import { resolveProject, resolveRunId, shortIdLength } from '../resolve-ids.ts';
import { oneLine, renderFacts, renderTable, shorten } from '../table.ts';
import { ago } from '../times.ts';

const states = ['requested', 'approved', 'denied', 'expired', 'failed', 'applied'] as const satisfies readonly ApprovalState[];

interface ListOptions extends ApiOptions {
  readonly state?: ApprovalState[];
  readonly project?: string;
  readonly run?: string;
  readonly limit: number;
}

interface DecideOptions extends ApiOptions {
  readonly digest?: string;
  readonly reason?: string;
  readonly answer?: string;
  readonly yes?: boolean;
}

export function addApprovals(program: Command, context: Context): void {
  const approvals = program
    .command('approvals')
    .summary('what waits for a person')
    .description("Requests for a person's decision: list and decide.");
  overApi(approvals.command('list'))
    .description('Requests, newest first; those that are open unless --state says otherwise.')
    .addOption(new Option('-s, --state <state...>', 'in one of these').choices(states))
    .option('-p, --project <slug>', 'of one project')
    .option('--run <run>', 'of one run')
    .option('--limit <n>', 'how many', parseCount, 50)
    .action((options: ListOptions) => list(context, options));
  overApi(approvals.command('decide'))
    .description(
      'Decides one request. The decision is for exactly the action shown: name it by --digest, or see it and confirm. For a review, deny\n' +
        'means: request changes, with --reason.',
    )
    .addArgument(new Argument('<id>', 'number of the request').argParser(parseCount))
    .addArgument(new Argument('<decision>', 'what to decide').choices(['approve', 'deny']))
    .option('--digest <sha256>', 'the action you have seen; another one is refused')
    .option('--reason <text>', 'for the record; what to change when a review is denied')
    .option('--answer <text>', 'answer to a question of the agent')
    .option('-y, --yes', 'do not ask: decide what the request says now')
    .action((id: number, decision: 'approve' | 'deny', options: DecideOptions) => decide(context, { id, decision, options }));
}

async function list(context: Context, options: ListOptions): Promise<void> {
  const { client } = openSession(context, options);
  const page = await unwrap(
    listApprovals({
      client,
      query: {
        limit: options.limit,
        ...(options.state && { state: options.state }),
        ...(options.project !== undefined && { project_id: (await resolveProject(client, options.project)).id }),
        ...(options.run !== undefined && { run_id: await resolveRunId(client, options.run) }),
      },
    }),
  );
  if (options.json === true) return printJson(context, page);
  const { terminal } = context;
  if (page.items.length === 0) return terminal.err('Nothing waits for a decision.');
  const now = context.now();
  const [head = '', ...lines] = renderTable(
    ['ID', 'STATE', 'ACTION', 'RUN', 'ISSUE', 'PR', 'BY', 'CREATED', 'DIGEST', 'TITLE'],
    page.items.map((item) => [
      String(item.id),
      item.state,
      item.question === undefined ? item.action.replaceAll('_', ' ') : shorten(item.question, 50),
      item.run_id?.slice(0, shortIdLength) ?? '-',
      item.issue_number === undefined ? '-' : `#${item.issue_number}`,
      item.pr_number === undefined ? '-' : `#${item.pr_number}`,
      item.requested_by,
      ago(item.created_at, now),
      `${item.digest.slice(0, 12)}…`,
      shorten(item.issue_title ?? '', 40),
    ]),
  );
  for (const line of [terminal.paint('dim', head), ...lines]) terminal.out(line);
}

async function decide(
  context: Context,
  { id, decision, options }: { id: number; decision: 'approve' | 'deny'; options: DecideOptions },
): Promise<void> {
  const { client } = openSession(context, options);
  const digest = options.digest ?? (await confirmedDigest(context, { request: await findRequest(client, id), decision, options }));
  const decided = await unwrap(
    decideApproval({
      client,
      path: { approval_id: id },
      body: {
        decision: decision === 'approve' ? 'approved' : 'denied',
        digest,
        ...(options.reason !== undefined && { reason: options.reason }),
        ...(options.answer !== undefined && { answer: options.answer }),
      },
    }),
  );
  if (options.json === true) printJson(context, decided);
  else context.terminal.out(`Request ${decided.id} is ${decided.state}.`);
}

/** The API has no request by number; the open ones are few. */
async function findRequest(client: Client, id: number): Promise<ApprovalRequest> {
  let cursor: string | undefined;
  do {
    const page = await unwrap(
      listApprovals({ client, query: { state: [...states], limit: 1000, ...(cursor !== undefined && { cursor }) } }),
    );
    const found = page.items.find((item) => item.id === id);
    if (found) return found;
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  throw notFound(`There is no request ${id}.`, 'See `codexk8s approvals list`.');
}

/** A decision without a digest is only taken for an action that the reader has just seen, or has asked not to see. */
async function confirmedDigest(
  { terminal, ask }: Context,
  { request, decision, options }: { request: ApprovalRequest; decision: 'approve' | 'deny'; options: DecideOptions },
): Promise<string> {
  if (request.state !== 'requested') {
    throw new CliError('conflict', {
      code: 'approval.already_decided',
      message: `Request ${request.id} is ${request.state}.`,
      remedy: 'See `codexk8s approvals list`.',
    });
  }
  if (options.yes === true) return request.digest;
  if (!terminal.isInteractive)
    throw usageError('Nobody is here to confirm the action.', `Name what you have seen with --digest ${request.digest}, or use --yes.`);
  for (const line of renderRequest(request)) terminal.err(line);
  const answer = await ask(`${decision === 'approve' ? 'Approve' : 'Deny'} this? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new CliError('failed', { code: 'request.invalid', message: 'Not decided.', remedy: 'Answer y to decide.' });
  return request.digest;
}

function renderRequest(request: ApprovalRequest): string[] {
  return renderFacts([
    ['Action', `${request.tool_name}: ${request.action}`],
    ['Target', oneLine(JSON.stringify(request.target))],
    ['Issue', request.issue_number === undefined ? undefined : `#${request.issue_number} ${oneLine(request.issue_title ?? '')}`],
    ['Pull request', request.pr_url],
    ['Question', request.question && oneLine(request.question)],
    ['Options', request.options?.map(oneLine).join(' | ')],
    ['Asked by', request.requested_by],
    ['Digest', request.digest],
  ]);
}
