import type { Command } from 'commander';
import { jsonOption, printJson, type Context } from '../context.ts';
import { dataDirOf, dataDirOption } from '../data-dir.ts';
import type { Check, Verdict } from '../doctor/check.ts';
import { lookAtCluster } from '../doctor/look-at-cluster.ts';
import { lookAround } from '../doctor/look-around.ts';
import { exitCodes } from '../exit-codes.ts';

interface DoctorOptions {
  readonly cluster?: boolean;
  readonly dataDir?: string;
  readonly json?: boolean;
}

export function addDoctor(program: Command, context: Context): void {
  program
    .command('doctor')
    .summary('what is missing here, and how to get it')
    .description(
      'Looks at Node, git, ports, data folder, disk, console, codex and the database. Exits 0 when nothing fails; warnings may stay.',
    )
    .addOption(dataDirOption())
    .option(
      '--cluster',
      'try the controls of the cluster that agents run in: CODEXK8S_KUBECONFIG, CODEXK8S_AGENT_IMAGE; takes some ten seconds',
    )
    .addOption(jsonOption())
    .action((options: DoctorOptions) => doctor(context, options));
}

async function doctor(context: Context, { json, ...options }: DoctorOptions): Promise<void> {
  const { terminal, environment } = context;
  const folder = dataDirOf(options, context);
  const here = await lookAround({ dataDir: folder, hasDatabase: environment['CODEXK8S_DB_URL'] !== undefined });
  const checks = [...here, ...(options.cluster === true ? await lookAtCluster() : [])];
  if (checks.some(({ verdict }) => verdict === 'fail')) context.setExitCode(exitCodes.failed.code);
  if (json === true) return printJson(context, { checks });
  for (const line of renderChecks(checks, (verdict) => terminal.paint(tones[verdict], verdict.padEnd(4)))) terminal.out(line);
}

const tones = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

export function renderChecks(checks: readonly Check[], mark: (verdict: Verdict) => string): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.flatMap(({ name, verdict, found, remedy }) => [
    `${mark(verdict)}  ${name.padEnd(width)}  ${found}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 8)}${remedy}`]),
  ]);
}
