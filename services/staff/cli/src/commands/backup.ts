import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { jsonOption, printJson, type Context } from '../context.ts';
import { dataDirOf, dataDirOption } from '../data-dir.ts';
import { paths } from '../repository-paths.ts';
import { runPart } from '../run-part.ts';

const Archive = z.object({ file: z.string(), bytes: z.number() });

interface BackupOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

export function addBackup(program: Command, context: Context): void {
  program
    .command('backup <file>')
    .summary('keep everything of a stopped platform of this machine')
    .description(
      'Writes database, keys, the development GitHub and its repositories into one .tar.gz. Stop the platform first. The keys are inside, so\n' +
        'guard it like a password. A PostgreSQL is backed up with pg_dump instead.',
    )
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .action((file: string, options: BackupOptions) => run(context, 'backup', { file, ...options }));
  program
    .command('restore <file>')
    .summary('bring a backup back into an empty folder')
    .description('Unpacks what `codexk8s backup` wrote; the next `up` on that folder continues where the backup was made.')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .action((file: string, options: BackupOptions) => run(context, 'restore', { file, ...options }));
}

async function run(
  context: Context,
  act: 'backup' | 'restore',
  { file, json, ...options }: BackupOptions & { file: string },
): Promise<void> {
  const { terminal, cwd } = context;
  const folder = dataDirOf(options, context);
  const archive = await runPart(paths.backup, [act, folder, resolve(cwd, file)], Archive);
  if (json === true) return printJson(context, { ...archive, data_dir: folder });
  const size = `${(archive.bytes / 1024 / 1024).toFixed(1)} MiB`;
  terminal.out(act === 'backup' ? `${folder} is in ${archive.file} (${size}).` : `${archive.file} is in ${folder}. Start it: codexk8s up`);
}
