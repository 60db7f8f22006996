import { createLogger, readConfig, shutdownSignal } from '@codex-k8s/runtime';
import { Config, environment } from './config.ts';
import { startModelServer } from './server.ts';

const config = readConfig(Config, environment);
const log = createLogger({ service: 'model-server', level: config.logLevel });
const server = await startModelServer({ ...config, log });
log.info({ url: server.url }, 'the scripted model listens');
await shutdownSignal();
await server.close();
