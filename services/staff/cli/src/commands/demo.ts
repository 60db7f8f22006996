import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { createApi } from '../api.ts';
import { asCliError, CliError, renderError, withRemedy } from '../cli-error.ts';
import { jsonOption, printJson, type Context } from '../context.ts';
import { demoIssue } from '../demo/demo-issue.ts';
import { tellStory, type DemoReport, type Outcome } from '../demo/demo-story.ts';
import { createGithub } from '../demo/github.ts';
import { renderOutcome } from '../demo/render-outcome.ts';
import { exitCodes } from '../exit-codes.ts';
import { parseIssueFile, type IssueText } from '../issue-file.ts';
import { startPlatformProcess, type PlatformProcess } from '../platform-process.ts';
import { isRunByWrapper, stopSignal, type StopSignal } from '../stop-signal.ts';
import { oneLine } from '../table.ts';
import { seconds } from '../times.ts';

interface DemoOptions {
  readonly issue?: string;
  readonly timeout: number;
  readonly approve: boolean;
  readonly keep?: boolean;
  readonly agent: string;
  readonly json?: boolean;
}

const repository = 'demo-owner/hello';

export function addDemo(program: Command, context: Context): void {
  program
    .command('demo')
    .summary('see one issue become a reviewed pull request')
    .description(
      'Starts a platform of its own on free ports, opens an issue in the demo repository, labels it, follows the run, approves as the owner\n' +
        'once the review is there, shows the pull request and its diff, and stops everything. Exits 0 only when the code host confirms the\n' +
        'pull request at the commit the run names.',
    )
    .option(
      '--issue <file>',
      'Markdown file: the first line is the title, the rest the body; fenced `file path=…` and `sh` blocks are carried out',
    )
    .option('--timeout <seconds>', 'longest wait for the pull request, the start included', parseSeconds, 55)
    .option('--no-approve', 'leave the decision open')
    .option('--keep', 'keep the data folder and print where it is')
    .option('--agent <name>', 'trial (scripted) or codex', 'trial')
    .addOption(jsonOption('print one JSON object at the end, nothing else'))
    .action((options: DemoOptions) => demo(context, options));
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (!(value > 0) || value > 86_400) throw new InvalidArgumentError('It must be a number of seconds.');
  return value;
}

async function demo(context: Context, options: DemoOptions): Promise<void> {
  const startedAt = performance.now();
  const issue = readIssue(options.issue);
  const stopping = stopSignal({ endsWithParent: isRunByWrapper(context.environment) });
  const dataDir = mkdtempSync(join(tmpdir(), 'codexk8s-demo-'));
  const logLines: string[] = [];
  const platform = startPlatformProcess({
    dataDir,
    args: ['--port', '0', '--agent', options.agent],
    environment: context.environment,
    onLog: (line) => logLines.push(line),
  });
  const report: DemoReport = { status: 'not_started', events: [], duration_ms: 0 };
  let outcome: Outcome | undefined;
  try {
    const story = play(context, options, { platform, issue, report, startedAt });
    outcome = await withinLimits(story, {
      platform,
      stopping,
      report,
      timeoutMs: options.timeout * 1000 - (performance.now() - startedAt),
    });
  } catch (error) {
    report.failure = withRemedy(asCliError(error).problem);
  } finally {
    await platform.stop();
    if (options.keep !== true) rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
  }
  report.duration_ms = Math.round(performance.now() - startedAt);
  show(context, options, { report, outcome, dataDir, logLines });
  context.setExitCode(report.failure ? exitCodes.failed.code : exitCodes.ok.code);
}

function readIssue(path: string | undefined): IssueText {
  if (path === undefined) return demoIssue;
  try {
    return parseIssueFile(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(
      'usage',
      { code: 'request.invalid', message: `The issue file ${path} cannot be read.`, remedy: 'Check the path.' },
      { cause },
    );
  }
}

interface Play {
  readonly platform: PlatformProcess;
  readonly issue: IssueText;
  readonly report: DemoReport;
  readonly startedAt: number;
}

async function play({ terminal }: Context, { approve, json }: DemoOptions, { platform, issue, report, startedAt }: Play): Promise<Outcome> {
  const say = (text: string, run?: 'reviewer'): void => {
    if (json === true) return;
    const at = seconds(performance.now() - startedAt).padStart(7);
    terminal.out(`${terminal.paint('dim', at)}  ${run === undefined ? '' : terminal.paint('cyan', 'reviewer: ')}${oneLine(text)}`);
  };
  say('starting a platform of its own');
  const ready = await platform.ready;
  say(`platform ready: ${ready.console_url}`);
  return tellStory({
    client: createApi({ apiUrl: ready.api_url, token: ready.admin_token, source: 'demo' }),
    github: createGithub({ url: ready.github_url, token: ready.github_token, repository }),
    issue,
    approve,
    say,
    report,
  });
}

interface Limits {
  readonly platform: PlatformProcess;
  readonly stopping: StopSignal;
  readonly report: DemoReport;
  readonly timeoutMs: number;
}

/** Whatever comes first; a story that nobody waits for ends with the process. */
async function withinLimits(story: Promise<Outcome>, { platform, stopping, report, timeoutMs }: Limits): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(tooLate(report)), timeoutMs);
  });
  const interrupted = stopping.done.then((): never => {
    throw new CliError('failed', { code: 'run.cancelled', message: 'The demo was interrupted.', remedy: 'Start it again.' });
  });
  const ended = platform.ready
    .then(() => platform.ended)
    .then((): never => {
      throw new CliError('unavailable', {
        code: 'service.unavailable',
        message: 'The platform ended during the demo.',
        remedy: 'Start it again.',
      });
    });
  try {
    return await Promise.race([story, late, interrupted, ended]);
  } finally {
    clearTimeout(timer);
    for (const loser of [story, late, interrupted, ended]) loser.catch(() => undefined); // the first one has been reported
  }
}

function tooLate({ status, run_id: runId }: DemoReport): CliError {
  const state = runId === undefined ? 'no run had started' : `the run was ${status}`;
  return new CliError('failed', {
    code: 'run.timed_out',
    message: `The time was up when ${state}.`,
    remedy: 'Allow more with --timeout, or use `codexk8s up` and look at the console.',
  });
}

interface Result {
  readonly report: DemoReport;
  readonly outcome: Outcome | undefined;
  readonly dataDir: string;
  readonly logLines: readonly string[];
}

function show(context: Context, { json, keep }: DemoOptions, { report, outcome, dataDir, logLines }: Result): void {
  const { terminal } = context;
  if (json === true) {
    printJson(context, keep === true ? { ...report, data_dir: dataDir } : report);
    return;
  }
  if (outcome) for (const line of renderOutcome(terminal, { ...outcome, report })) terminal.out(line);
  if (report.failure) {
    for (const line of logLines.slice(-20)) terminal.err(line);
    terminal.err(renderError(new CliError('failed', report.failure), { json: false }));
  }
  if (keep === true) terminal.out(`Data kept in ${dataDir}: codexk8s up --data-dir ${dataDir}`);
}
