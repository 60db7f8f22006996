import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@codex-k8s/runtime';
import sodium from 'libsodium-wrappers';
import { expect, test } from 'vitest';
import { executableSearchPath } from './config.ts';
import { gitDirOf } from './git/bare-repository.ts';
import { git } from './git/run-git.ts';
import { startGithubServer } from './server.ts';
import { demoSeed, startReceiver, startTestServer } from './test-support.ts';

test('seeding again changes nothing that people changed', async () => {
  await using github = await startTestServer();
  await github.api('PATCH', '/labels/run:dev', { color: '123456' });
  await github.api('PATCH', '/issues/1', { title: 'Renamed' });
  await github.server.seed(demoSeed);

  expect((await github.api('GET', '/labels')).body).toMatchObject([{ name: 'run:dev', color: '123456' }]);
  expect((await github.api('GET', '/issues?state=all')).body).toMatchObject([{ title: 'Renamed' }]);
});

test('a push that a killed server could not tell about is told by the next one, once', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'github-server-'));
  const log = createLogger({ service: 'test', level: 'error' });
  await using receiver = await startReceiver();
  const start = () => startGithubServer({ port: 0, dataDir, log, seed: demoSeed });
  const first = await start();
  await first.seed({ repositories: [{ owner: 'ada', name: 'demo', hooks: [{ url: receiver.url, events: ['push'] }] }] });
  await first.deliveries.idle();
  await first.close();
  const gitDir = gitDirOf(dataDir, 1);
  const tree = (await git(gitDir, ['rev-parse', 'main^{tree}'])).trim();
  const who = ['-c', 'user.name=x', '-c', 'user.email=x@example.com'];
  const sha = (await git(gitDir, [...who, 'commit-tree', tree, '-p', 'main', '-m', 'untold'])).trim();
  await git(gitDir, ['update-ref', 'refs/heads/main', sha]);

  for (let starts = 0; starts < 2; starts += 1) {
    const next = await start();
    await next.deliveries.idle();
    await next.close();
  }

  const pushes = receiver.received.filter(({ headers }) => headers['x-github-event'] === 'push');
  expect(pushes.map(({ body }) => body.after)).toEqual([sha]);
  await rm(dataDir, { recursive: true, force: true });
});

test('what was answered survives kill -9, and the process says nothing on standard error but its log', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'github-server-'));
  const seedFile = join(dataDir, 'seed.json');
  await writeFile(seedFile, JSON.stringify(demoSeed));
  const env = {
    PATH: executableSearchPath(),
    CODEXK8S_GITHUB_SERVER_PORT: '0',
    CODEXK8S_GITHUB_SERVER_DATA_DIR: join(dataDir, 'data'),
    CODEXK8S_GITHUB_SERVER_SEED: seedFile,
  };

  async function start() {
    const child = spawn('node', [new URL('main.ts', import.meta.url).pathname], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [chunk] = (await once(child.stderr, 'data')) as [Buffer]; // the first line is the address
    const said = JSON.parse(chunk.toString('utf8')) as { apiUrl: string };
    return { child, apiUrl: said.apiUrl };
  }
  const call = async (url: string, body?: object): Promise<{ title: string }[]> => {
    const headers = { authorization: 'Bearer token-ada' };
    const response = await fetch(url, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
    return (await response.json()) as { title: string }[]; // the list route answers issues
  };

  const first = await start();
  for (const title of ['Two', 'Three']) await call(`${first.apiUrl}/repos/ada/demo/issues`, { title });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await start();
  const issues = await call(`${second.apiUrl}/repos/ada/demo/issues`);
  second.child.kill('SIGTERM');
  await once(second.child, 'exit');

  expect(issues.map(({ title }) => title)).toEqual(['Three', 'Two', 'First']);
  expect(second.child.exitCode).toBe(0);
  await rm(dataDir, { recursive: true, force: true });
});

test('a secret is sealed for the repository and opened only by function call', async () => {
  await sodium.ready;
  await using github = await startTestServer();
  const { key, key_id } = (await github.api('GET', '/actions/secrets/public-key')).body;
  const sealed = sodium.crypto_box_seal('hidden', new Uint8Array(Buffer.from(key, 'base64')));
  const encrypted = Buffer.from(sealed).toString('base64');
  const put = await github.api('PUT', '/actions/secrets/TOKEN', { encrypted_value: encrypted, key_id });
  const plain = await github.api('PUT', '/actions/secrets/OTHER', { encrypted_value: Buffer.from('hidden').toString('base64'), key_id });

  expect([put.status, plain.status]).toEqual([201, 422]);
  expect(await github.server.readSecret({ repository: 'ada/demo', name: 'token' })).toBe('hidden');
  expect((await github.api('GET', '/actions/secrets/TOKEN')).text).not.toContain('hidden');
});
