import { createLogger, readConfig, shutdownSignal, startTracing } from '@codex-k8s/runtime';
import { openStore } from '@codex-k8s/store';
import { Config, environment } from './config.ts';
import { startControlPlane } from './service.ts';

const config = readConfig(Config, environment());
const log = createLogger({ service: 'control-plane', level: config.logLevel });
await using _tracing = await startTracing({ serviceName: 'control-plane', endpoint: config.otlpEndpoint, log });
await using store = openStore(config.dbUrl, {
  readUrl: config.dbReadUrl,
  onError: (error) => log.warn({ err: error }, 'database connection lost'),
});
await using _service = await startControlPlane({ config, store, log });
log.info({ signal: await shutdownSignal() }, 'control plane stops');
