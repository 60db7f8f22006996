import { createLogger, readConfig, shutdownSignal, startTracing } from '@codex-k8s/runtime';
import { Config, environment } from './config.ts';
import { startGateway } from './service.ts';

const config = readConfig(Config, environment());
const log = createLogger({ service: 'api-gateway', level: config.logLevel });
await using _tracing = await startTracing({ serviceName: 'api-gateway', endpoint: config.otlpEndpoint, log });
await using _gateway = await startGateway({ config, log });
log.info({ signal: await shutdownSignal() }, 'gateway stops');
