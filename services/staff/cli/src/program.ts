import { Command } from 'commander';
import { addApprovals } from './commands/approvals.ts';
import { addBackup } from './commands/backup.ts';
import { addDatabase } from './commands/database.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addIssues } from './commands/issues.ts';
import { addProjects } from './commands/projects.ts';
import { addRepos } from './commands/repos.ts';
import { addRuns } from './commands/runs.ts';
import { addUp } from './commands/up.ts';
import { addUsers } from './commands/users.ts';
import type { Context } from './context.ts';
import { exitCodesHelp } from './exit-codes.ts';

export function createProgram(context: Context): Command {
  const program = new Command('codexk8s')
    .description('Runs and operates codex-k8s: a label on a GitHub issue becomes a reviewed pull request.')
    .version('0.1.0')
    .helpCommand(false)
    .addHelpText('after', trailer);
  program.commandsGroup('On this machine:');
  addUp(program, context);
  addDemo(program, context);
  addDoctor(program, context);
  addDatabase(program, context);
  addBackup(program, context);
  program.commandsGroup('Over the staff API:');
  addRuns(program, context);
  addApprovals(program, context);
  addIssues(program, context);
  addProjects(program, context);
  addRepos(program, context);
  addUsers(program, context);
  return program;
}

const trailer = `
Which platform: --url and --token-file, or CODEXK8S_URL and CODEXK8S_TOKEN, or the one that \`codexk8s up\` started in this folder.

Exit codes:
${exitCodesHelp()}

Examples:
  codexk8s demo                                   one issue becomes a reviewed pull request, in a minute
  codexk8s issues label 1 run:dev                 start a run
  codexk8s runs logs -f 3f2a                      watch it
  codexk8s approvals decide 1 approve             accept the result
  codexk8s runs list --status failed --json | jq -r '.items[].id'`;
