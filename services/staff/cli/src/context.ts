import type { Client } from '@codex-k8s/contracts/staff/client';
import { Option, type Command } from 'commander';
import { createApi } from './api.ts';
import type { Environment } from './config.ts';
import { resolveConnection, type Connection, type ConnectionOptions } from './connection.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly cwd: string;
  readonly now: () => Date;
  /** All of standard input, for secrets that must not stand on a command line. */
  readonly readInput: () => Promise<string>;
  /** One line of a person's answer. */
  readonly ask: (question: string) => Promise<string>;
  /** How the process exits when a command ends without an error. */
  readonly setExitCode: (code: number) => void;
}

export interface ApiOptions extends ConnectionOptions {
  readonly json?: boolean;
}

export const jsonOption = (text = 'print JSON'): Option => new Option('--json', text);

/** A command over the staff API: it takes the connection and `--json`. */
export function overApi(command: Command): Command {
  return command
    .option('--url <url>', 'address of the platform (CODEXK8S_URL)')
    .option('--token <token>', 'staff API token (CODEXK8S_TOKEN); other users of this machine can see arguments')
    .option('--token-file <file>', 'file with the token (CODEXK8S_TOKEN_FILE)')
    .addOption(jsonOption("print the API's JSON"));
}

export interface Session {
  readonly client: Client;
  readonly connection: Connection;
}

export function openSession(context: Context, options: ApiOptions): Session {
  const connection = resolveConnection(options, context);
  return { connection, client: createApi(connection) };
}

export function printJson({ terminal }: Context, value: unknown): void {
  terminal.out(JSON.stringify(value, undefined, 2));
}
