import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline/promises';
import { CommanderError, type Command } from 'commander';
import { asCliError, CliError, exitCodeOf, renderError, usageError } from './cli-error.ts';
import { environment } from './config.ts';
import type { Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

/** Runs one command and ends the process with its exit code. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.stdout.on('error', endQuietly); // `codexk8s runs list | head -1`
  const env = environment();
  let exitCode: number = exitCodes.ok.code;
  const context: Context = {
    terminal: createTerminal(process, env),
    environment: env,
    cwd: process.cwd(),
    now: () => new Date(),
    readInput: () => text(process.stdin),
    ask: askPerson,
    setExitCode: (code) => (exitCode = code),
  };
  const json = argv.includes('--json');
  const program = withoutExit(createProgram(context), { quiet: json });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    exitCode = reportError(error, context, { json });
  }
  process.exit(exitCode);
}

/** Commander has written its own message, except when JSON is wanted. */
function reportError(error: unknown, { terminal }: Context, { json }: { json: boolean }): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok.code;
    if (json) terminal.err(renderError(usageError(error.message.replace(/^error: /, '')), { json }));
    return exitCodes.usage.code;
  }
  const failure = asCliError(error);
  terminal.err(renderError(failure, { json }));
  if (!(error instanceof CliError) && failure.problem.code === 'internal' && error instanceof Error && !json)
    terminal.err(error.stack ?? '');
  return exitCodeOf(failure);
}

function withoutExit(command: Command, { quiet }: { quiet: boolean }): Command {
  command.exitOverride();
  if (quiet) command.configureOutput({ writeErr: () => undefined });
  for (const sub of command.commands) withoutExit(sub, { quiet });
  return command;
}

async function askPerson(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok.code);
  throw error;
}
