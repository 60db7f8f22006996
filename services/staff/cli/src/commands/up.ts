import { getPlatform } from '@codex-k8s/contracts/staff';
import { mkdirSync } from 'node:fs';
import { AppError } from '@codex-k8s/domain';
import type { Command } from 'commander';
import { createApi, isProblem, unwrap } from '../api.ts';
import { parseJson, removeConnectionFile, writeConnectionFile } from '../connection.ts';
import { buildConsole, consoleDist, isConsoleFresh, type Build } from '../console-build.ts';
import { jsonOption, type Context } from '../context.ts';
import { dataDirOf, dataDirOption } from '../data-dir.ts';
import { startPlatformProcess, type ReadyLine } from '../platform-process.ts';
import { isRunByWrapper, stopSignal } from '../stop-signal.ts';
import { seconds } from '../times.ts';

interface UpOptions {
  readonly port?: string;
  readonly dataDir?: string;
  readonly reset?: boolean;
  readonly agent?: string;
  readonly logLevel?: string;
  readonly json?: boolean;
}

export function addUp(program: Command, context: Context): void {
  program
    .command('up')
    .summary('start the whole platform on this machine')
    .description(
      'Starts gateway, control plane, worker, a development GitHub with a demo repository and a scripted model in one process, prints the\n' +
        'address to open and runs until Ctrl-C. No cluster, no account, no key. Agents run as plain processes of this machine: not isolated.',
    )
    .option('--port <n>', 'first of five ports (default: the first free block from 8080; 0: whichever are free)')
    .addOption(dataDirOption())
    .option('--reset', 'forget everything that was kept')
    .option('--agent <name>', 'trial (scripted) or codex', 'trial')
    .option('--log-level <level>', 'trace, debug, info, warn or error')
    .addOption(jsonOption('print one line of JSON when ready'))
    .action((options: UpOptions) => up(context, options));
}

async function up(context: Context, options: UpOptions): Promise<void> {
  const { terminal, environment } = context;
  const startedAt = performance.now();
  const dataDir = dataDirOf(options, context);
  const stopping = stopSignal({ endsWithParent: isRunByWrapper(environment) });
  let isServing = false;
  const building = startBuild(stopping.signal);
  const platform = startPlatformProcess({
    dataDir,
    args: platformArguments(options),
    environment,
    onLog: (line) => {
      if (!isErrorObject(line)) terminal.err(line);
    },
  });
  try {
    const isStopped = await Promise.race([serve(), stopping.done.then(() => true), platform.ended.then(() => false)]);
    if (!isStopped) await platform.ready; // says why it never was ready
    if (!isStopped) throw new AppError('service.unavailable', 'The platform ended by itself.');
  } finally {
    if (stopping.signal.aborted && options.json !== true) terminal.err('Stopping …');
    stopping.abort();
    await Promise.all([platform.stop(), building]);
    if (isServing) removeConnectionFile(dataDir);
  }

  async function serve(): Promise<never> {
    const [ready, build] = await Promise.all([platform.ready, building]);
    isServing = true;
    writeConnectionFile(dataDir, ready);
    if (build?.problem !== undefined && !stopping.signal.aborted) terminal.err(`The console could not be built:\n${build.problem}`);
    if (options.json === true) terminal.out(JSON.stringify(ready));
    else terminal.out(await describeReady(context, ready, { dataDir, build, ms: performance.now() - startedAt }));
    return new Promise<never>(() => undefined);
  }
}

/** The platform serves the console as soon as it is there, so both start at once. */
function startBuild(signal: AbortSignal): Promise<Build | undefined> {
  if (isConsoleFresh()) return Promise.resolve(undefined);
  mkdirSync(consoleDist, { recursive: true });
  return buildConsole(signal);
}

export function platformArguments({ port, reset, agent, logLevel }: Omit<UpOptions, 'dataDir' | 'json'>): string[] {
  return [
    ...(port === undefined ? [] : ['--port', port]),
    ...(reset === true ? ['--reset'] : []),
    ...(agent === undefined ? [] : ['--agent', agent]),
    ...(logLevel === undefined ? [] : ['--log-level', logLevel]),
  ];
}

/** The platform's own error object is shown once, by the one who shows errors. */
function isErrorObject(line: string): boolean {
  return isProblem(parseJson(line));
}

interface Facts {
  readonly dataDir: string;
  readonly build: Build | undefined;
  readonly ms: number;
}

async function describeReady({ terminal }: Context, ready: ReadyLine, { dataDir, build, ms }: Facts): Promise<string> {
  const client = createApi({ apiUrl: ready.api_url, token: ready.admin_token, source: 'up' });
  const { model_endpoints: endpoints } = await unwrap(getPlatform({ client }));
  const agents = endpoints.map(
    ({ agent, scripted, base_url: url }) =>
      `${agent}, ${scripted ? 'answered by the scripted model, not by an AI' : `answered by ${url ?? 'the vendor'}`}`,
  );
  const built = build === undefined || build.problem !== undefined ? '' : `, console built in ${seconds(build.ms)}`;
  return `
  Open      ${terminal.paint('bold', ready.console_url)}
  GitHub    ${ready.github_url} (a development server with a demo repository)
  Agent     ${agents.join('; ')}
  Data      ${dataDir} (kept; --reset forgets it)

  Ready in ${seconds(ms)}${built}. In another terminal: npm run codexk8s -- runs list
  Agents run as plain processes of this machine: not isolated. Ctrl-C stops everything.
`;
}
