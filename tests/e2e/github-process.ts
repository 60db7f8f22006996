/** The development GitHub as a process of its own: under load it must not share its thread with what the test does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeHost, CodeHostOptions } from './separate-services.ts';

const main = join(import.meta.dirname, '../../services/dev/github-server/src/main.ts');

export async function startGithubProcess({ port, host = '127.0.0.1', dataDir, seed }: CodeHostOptions): Promise<CodeHost> {
  const seedFile = `${dataDir}-seed.json`;
  writeFileSync(seedFile, JSON.stringify(seed));
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      CODEXK8S_GITHUB_SERVER_PORT: String(port),
      CODEXK8S_GITHUB_SERVER_HOST: host,
      CODEXK8S_GITHUB_SERVER_DATA_DIR: dataDir,
      CODEXK8S_GITHUB_SERVER_SEED: seedFile,
    },
  });
  const ended = once(child, 'exit');
  const spoke = once(child.stderr, 'data').then(() => true); // its first line says that it is seeded and listens
  if (!(await Promise.race([spoke, ended.then(() => false)]))) throw new Error('the development GitHub ended at its start');
  child.stderr.resume();
  return {
    apiUrl: `http://${host}:${port}/api/v3`,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
