import { readFile } from 'node:fs/promises';
import { createLogger, shutdownSignal } from '@codex-k8s/runtime';
import { configFromEnvironment } from './config.ts';
import { startGithubServer, type Seed } from './server.ts';

const config = configFromEnvironment();
const log = createLogger({ service: 'github-server', level: config.logLevel });
// The file is the operator's own; a wrong one fails while seeding, with the name of what is missing.
const seed = config.seedFile === undefined ? undefined : (JSON.parse(await readFile(config.seedFile, 'utf8')) as Seed);
await using server = await startGithubServer({ ...config, log, seed });
log.info({ url: server.url, apiUrl: server.apiUrl, dataDir: config.dataDir }, 'development GitHub listens');
await shutdownSignal();
