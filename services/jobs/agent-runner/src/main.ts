import { createLogger, readConfig, startTracing } from '@codex-k8s/runtime';
import { Config, environment } from './config.ts';
import { runAttempt } from './run-attempt.ts';
import { createStop, exitCodes } from './stop.ts';

const config = readConfig(Config, environment);
const { runId, correlationId } = config;
const log = createLogger({ service: 'agent-runner', level: config.logLevel }).child({ runId, correlationId });
const tracing = await startTracing({ serviceName: 'agent-runner', endpoint: config.otlpEndpoint, log });
const stop = createStop();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.request('terminated'));

let exitCode: number;
try {
  exitCode = await runAttempt(config, environment, log, stop);
} catch (error) {
  log.error({ err: error }, 'the runner failed');
  exitCode = exitCodes.failed;
}
await tracing[Symbol.asyncDispose]();
process.exit(exitCode); // a pending retry must not keep the process
