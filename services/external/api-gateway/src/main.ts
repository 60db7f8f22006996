import { createLogger, readConfig, shutdownSignal } from '@codex-k8s/runtime';
import { Config, environment } from './config.ts';
import { startGateway } from './service.ts';

const config = readConfig(Config, environment());
const log = createLogger({ service: 'api-gateway', level: config.logLevel });
await using _gateway = await startGateway({ config, log });
log.info({ signal: await shutdownSignal() }, 'gateway stops');
