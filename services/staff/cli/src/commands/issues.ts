import { addIssueLabel, listIssues, type Issue } from '@codex-k8s/contracts/staff';
import { Argument, type Command } from 'commander';
import { unwrap } from '../api.ts';
import { openSession, overApi, printJson, type ApiOptions, type Context } from '../context.ts';
import { parseCount } from '../option-values.ts';
import { resolveProject, resolveRepository } from '../resolve-ids.ts';
import { statusText } from '../run-status.ts';
import { renderTable, shorten } from '../table.ts';

interface IssueOptions extends ApiOptions {
  readonly project?: string;
  readonly repo?: string;
}

export function addIssues(program: Command, context: Context): void {
  const issues = program.command('issues').summary('issues and the labels that start runs').description('Open issues: list, label.');
  inRepository(overApi(issues.command('list')))
    .description('Open issues as the code host has them now, and the trigger labels that would start a run.')
    .action((options: IssueOptions) => list(context, options));
  inRepository(overApi(issues.command('label')))
    .description('Puts a label of the catalogue on an issue, in your name. A trigger label such as run:dev starts its run.')
    .addArgument(new Argument('<issue>', 'number of the issue').argParser(parseCount))
    .argument('<label>', 'such as run:dev')
    .action((issue: number, text: string, options: IssueOptions) => label(context, { issue, text, options }));
}

function inRepository(command: Command): Command {
  return command
    .option('-p, --project <slug>', 'the project (default: the only one)')
    .option('-r, --repo <owner/name>', 'the repository (default: the only one)');
}

async function list(context: Context, options: IssueOptions): Promise<void> {
  const { client } = openSession(context, options);
  const project = await resolveProject(client, options.project);
  const repository = await resolveRepository(client, project, options.repo);
  const page = await unwrap(listIssues({ client, path: { project_id: project.id, repository_id: repository.id } }));
  if (options.json === true) return printJson(context, page);
  const { terminal } = context;
  if (page.items.length === 0) return terminal.err('No open issues.');
  const [head = '', ...lines] = renderTable(['ISSUE', 'RUN', 'LABELS', 'CAN START', 'TITLE'], page.items.map(issueRow));
  for (const line of [terminal.paint('dim', head), ...lines]) terminal.out(line);
}

function issueRow({ number, title, labels, triggers, latest_run_status: status }: Issue): string[] {
  const allowed = triggers.flatMap((trigger) => (trigger.allowed ? [trigger.label] : []));
  return [
    `#${number}`,
    status === undefined ? '-' : statusText({ status }),
    shorten(labels.join(', ') || '-', 40),
    shorten(allowed.join(', ') || '-', 40),
    shorten(title, 60),
  ];
}

async function label(context: Context, { issue, text, options }: { issue: number; text: string; options: IssueOptions }): Promise<void> {
  const { client } = openSession(context, options);
  const project = await resolveProject(client, options.project);
  const repository = await resolveRepository(client, project, options.repo);
  const path = { project_id: project.id, repository_id: repository.id, issue_number: issue };
  const done = await unwrap(addIssueLabel({ client, path, body: { label: text } }));
  if (options.json === true) printJson(context, done);
  else context.terminal.out(`Label ${done.label} is on #${done.issue_number}. See: codexk8s runs list --issue ${done.issue_number}`);
}
