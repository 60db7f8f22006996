import { text } from 'node:stream/consumers';
import { environment, help, readArguments, UsageError } from './config.ts';
import type { AgentEvent } from './events.ts';
import { connectMcp } from './mcp-tools.ts';
import { runAgent } from './run-agent.ts';
import { openSession } from './session.ts';
import { scrubbed } from './shell-tool.ts';

const stop = new AbortController();
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
let stoppedBy: keyof typeof exitCodes | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stoppedBy ??= signal;
    stop.abort();
  });
}

function emit(event: AgentEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (!options) {
    process.stdout.write(help);
    return 0;
  }
  const prompt = await text(process.stdin);
  if (prompt.trim() === '' && !options.resume) throw new UsageError('The prompt on standard input is empty.');
  const session = await openSession(options.session, options.resume);
  const mcp = await connectMcp({ url: options['mcp-url'], token: environment['CODEXK8S_RUN_TOKEN'], signal: stop.signal });
  const isCompleted = await runAgent({
    session,
    prompt,
    mcp,
    shell: { cwd: options.cwd, env: scrubbed(environment), signal: stop.signal },
    model: {
      model: options.model,
      baseUrl: options['base-url'],
      apiKey: environment['CODEXK8S_MODEL_API_KEY'],
      reasoningEffort: options['reasoning-effort'],
      signal: stop.signal,
    },
    maxTurns: options['max-turns'],
    emit,
  });
  await session.close();
  return isCompleted ? 0 : 1;
}

async function exitCode(): Promise<number> {
  try {
    return await main();
  } catch (error) {
    if (stoppedBy) return exitCodes[stoppedBy];
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof UsageError) {
      process.stderr.write(`${message}\nSee trial-agent --help.\n`);
      return 2;
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? message) : message}\n`);
    emit({ type: 'error', message });
    emit({ type: 'turn.failed', error: { message } });
    return 1;
  }
}

const code = await exitCode();
process.stdout.write('', () => process.exit(code));
