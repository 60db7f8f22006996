import type { Command } from 'commander';
import { z } from 'zod';
import { jsonOption, printJson, type Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { paths } from '../repository-paths.ts';
import { runPart } from '../run-part.ts';

export const MigrationAnswer = z.object({ database: z.string(), pending: z.array(z.string()), applied: z.array(z.string()) });
const RotationAnswer = z.object({
  current_key: z.string(),
  rotated: z.number(),
  unchanged: z.number(),
  failed: z.array(z.object({ repository: z.string(), code: z.string(), message: z.string() })),
});

export function addDatabase(program: Command, context: Context): void {
  program
    .command('migrate')
    .summary('bring the database up to date')
    .description(
      'Applies the migrations that the database in CODEXK8S_DB_URL lacks, forward only. Safe to run from several places at once.',
    )
    .option('--dry-run', 'only name what is missing')
    .addOption(jsonOption())
    .action((options: { dryRun?: boolean; json?: boolean }) => migrate(context, options));
  const keys = program.command('keys').summary('keys of stored tokens').description('Keys by which repository tokens are encrypted.');
  keys
    .command('rotate')
    .description(
      'Encrypts stored repository tokens anew with CODEXK8S_TOKEN_ENCRYPTION_KEY. Before: put the new key there and the old one into\n' +
        'CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS (comma-separated) for every service, and restart them. After: remove the old key. Needs\n' +
        'CODEXK8S_DB_URL too; repeating it is harmless.',
    )
    .addOption(jsonOption())
    .action((options: { json?: boolean }) => rotate(context, options));
}

async function migrate(context: Context, { dryRun = false, json }: { dryRun?: boolean; json?: boolean }): Promise<void> {
  const answer = await runPart(paths.migrate, dryRun ? ['--dry-run'] : [], MigrationAnswer);
  if (json === true) return printJson(context, answer);
  const names = dryRun ? answer.pending : answer.applied;
  for (const name of names) context.terminal.out(`${dryRun ? 'missing' : 'applied'}  ${name}`);
  if (names.length === 0) context.terminal.out('The database is up to date.');
}

async function rotate(context: Context, { json }: { json?: boolean }): Promise<void> {
  const answer = await runPart(paths.rotateKeys, [], RotationAnswer);
  if (answer.failed.length > 0) context.setExitCode(exitCodes.failed.code);
  if (json === true) return printJson(context, answer);
  const { terminal } = context;
  terminal.out(`${answer.rotated} rotated, ${answer.unchanged} had key ${answer.current_key} already, ${answer.failed.length} failed.`);
  for (const { repository, code, message } of answer.failed) terminal.err(`  ${repository}: ${message} [${code}]`);
  if (answer.failed.length > 0) terminal.err('  Name the missing key in CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS, or store these tokens again.');
}
