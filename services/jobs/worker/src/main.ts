import { createLogger, readConfig, shutdownSignal, startTracing } from '@codex-k8s/runtime';
import { openStore } from '@codex-k8s/store';
import { Config, environment } from './config.ts';
import { startWorker } from './service.ts';

const env = environment();
const config = readConfig(Config, env);
const log = createLogger({ service: 'worker', level: config.logLevel });
await using _tracing = await startTracing({ serviceName: 'worker', endpoint: config.otlpEndpoint, log });
await using store = openStore(config.dbUrl, { onError: (error) => log.warn({ err: error }, 'database connection lost') });
await using _worker = await startWorker({ config, store, log, baseEnv: { PATH: env['PATH'], LANG: env['LANG'] } });
log.info({ signal: await shutdownSignal() }, 'worker stops');
