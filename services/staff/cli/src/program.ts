import { Command } from 'commander';
import { addDemo } from './commands/demo.ts';
import { addUp } from './commands/up.ts';
import type { Context } from './context.ts';
import { exitCodesHelp } from './exit-codes.ts';

export function createProgram(context: Context): Command {
  const program = new Command('codexk8s')
    .description('Runs and operates codex-k8s: a label on a GitHub issue becomes a reviewed pull request.')
    .version('0.1.0')
    .showHelpAfterError('Run with --help to see what is possible.')
    .addHelpText('after', `\nExit codes:\n${exitCodesHelp()}`);
  addUp(program, context);
  addDemo(program, context);
  return program;
}
