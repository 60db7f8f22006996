import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAppError, isRetryable } from '@codex-k8s/domain';
import { createLogger } from '@codex-k8s/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGithubProvider } from '../../libs/github/src/index.ts';
import { startGithubServer, type GithubServer } from '../../services/dev/github-server/src/server.ts';
import { describeProviderContract } from './provider-contract.ts';

const repository = { owner: 'ada', name: 'demo' };
const token = 'contract-token';
let dataDir = '';
let server: GithubServer;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'github-server-'));
  server = await startGithubServer({
    port: 0,
    dataDir,
    log: createLogger({ service: 'test', level: 'warn' }),
    seed: {
      users: [{ login: 'ada', emails: [{ email: 'ada@example.com' }], tokens: [token] }],
      repositories: [{ ...repository, files: { 'README.md': '# Demo\n' } }],
    },
  });
  server.deliveries.pause(); // the contract's hook points at example.com
});

afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

describeProviderContract('the development server', () => ({ baseUrl: server.apiUrl, token, repository }));

const realToken = process.env['CODEXK8S_TEST_GITHUB_TOKEN'];
const [owner, name] = (process.env['CODEXK8S_TEST_GITHUB_REPO'] ?? '').split('/');
if (realToken && owner && name) {
  describeProviderContract('github.com', () => ({ baseUrl: 'https://api.github.com', token: realToken, repository: { owner, name } }));
}

describe('failures of the code host', () => {
  const provider = () => createGithubProvider({ baseUrl: server.apiUrl, token });
  const read = () => provider().validateRepository(repository);

  test('a server error of a read is tried again before it is reported', async () => {
    server.faults.failNext({ status: 502 });

    expect((await read()).name).toBe('demo');
  });

  test('a write does not end the retries of later reads', async () => {
    const github = provider();
    await github.createComment(repository, 1, 'a write');
    server.faults.failNext({ status: 502 });

    expect((await github.validateRepository(repository)).name).toBe('demo');
  });

  test('a server error that stays is retryable', async () => {
    server.faults.failNext({ status: 503, times: 10 });

    await expect(read()).rejects.toSatisfy((error) => isAppError(error, 'github.unavailable') && isRetryable(error));
    server.faults.clear();
  });

  test('a write is never repeated by itself', async () => {
    server.faults.failNext({ match: 'POST', status: 502 });

    await expect(provider().createComment(repository, 1, 'once')).rejects.toSatisfy((error) => isAppError(error, 'github.unavailable'));
    expect((await provider().listComments(repository, 1)).filter(({ body }) => body === 'once')).toEqual([]);
  });

  test('a closed connection is unavailable', async () => {
    server.faults.failNext({ status: 'drop', times: 10 });

    await expect(read()).rejects.toSatisfy((error) => isAppError(error, 'github.unavailable'));
    server.faults.clear();
  });

  test('a used-up rate limit says how long to wait and does not wait', async () => {
    server.faults.limitUntil(new Date(Date.now() + 1_200_000));
    const error: unknown = await read().catch((reason: unknown) => reason);
    server.faults.clear();

    expect(isAppError(error, 'github.rate_limited') && Number(error.details['retryAfterSec'])).toBeGreaterThan(1100);
  });

  test.each([3_600, -3_600])('a rate limit of a GitHub whose clock is %d s off ours is over when GitHub says so', async (offSec) => {
    const atSec = Math.floor(Date.now() / 1000) + offSec;
    const headers = {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(atSec + 60),
      date: new Date(atSec * 1000).toUTCString(),
    };
    server.faults.failNext({ status: 403, message: 'API rate limit exceeded', headers });

    await expect(read()).rejects.toMatchObject({ code: 'github.rate_limited', details: { retryAfterSec: 60 } });
  });

  test('a secondary limit is a rate limit, not a missing permission', async () => {
    const headers = { 'retry-after': '60' };
    server.faults.failNext({ status: 403, message: 'You have exceeded a secondary rate limit.', headers });

    await expect(read()).rejects.toMatchObject({ code: 'github.rate_limited', details: { retryAfterSec: 60 } });
  });

  test('a plain 403 is forbidden', async () => {
    server.faults.failNext({ status: 403, message: 'Resource not accessible by personal access token' });

    await expect(read()).rejects.toSatisfy((error) => isAppError(error, 'github.forbidden'));
  });

  test('an unchanged answer costs nothing of the limit and is the same', async () => {
    const same = provider();
    const first = await same.getIssue(repository, 1);
    const before = await remaining();
    const second = await same.getIssue(repository, 1);

    expect(second).toEqual(first);
    expect(before - (await remaining())).toBe(1); // only the question itself
  });

  test('the secret of a webhook is in no error', async () => {
    server.faults.failNext({ match: 'POST', status: 422, message: 'Validation Failed' });
    const spec = { url: 'https://example.com/hook', secret: 'top-secret', events: ['push'] };
    const error: unknown = await provider()
      .ensureWebhook(repository, spec)
      .catch((reason: unknown) => reason);

    expect(isAppError(error, 'github.rejected')).toBe(true);
    expect(isAppError(error) && JSON.stringify([error, error.details, String(error), String(error.cause)])).not.toContain('top-secret');
  });

  async function remaining(): Promise<number> {
    const response = await fetch(`${server.apiUrl}/user`, { headers: { authorization: `Bearer ${token}` } });
    return Number(response.headers.get('x-ratelimit-remaining'));
  }
});
