import { pino, type Logger } from 'pino';
import { traceFields } from './tracing.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly service: string;
  readonly level: string;
  /** Where lines go; standard error by default, so that a command's own output stays machine-readable. */
  readonly destination?: { write(line: string): void };
}

const secretPaths = ['authorization', 'cookie', 'token', 'password', 'secret', 'api_key', 'apiKey'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** JSON lines; `error`: our bug, `warn`: look this week, `info`: what happened, the user's mistakes included. */
export function createLogger({ service, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: traceFields,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: [...secretPaths, 'req.headers.authorization', 'req.headers.cookie'], censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options, pino.destination({ dest: 2, sync: true }));
}
