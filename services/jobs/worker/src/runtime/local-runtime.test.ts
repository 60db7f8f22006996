import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@codex-k8s/runtime';
import { afterAll, expect, test, vi } from 'vitest';
import { createLocalRuntime } from './local-runtime.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'codexk8s-local-runtime-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test('what a killed runner left among its temporary files goes with the next attempt, and with the run', async () => {
  const agentRunnerPath = join(dataDir, 'runner.mjs');
  writeFileSync(
    agentRunnerPath,
    `import { mkdtempSync } from 'node:fs';
     import { tmpdir } from 'node:os';
     mkdtempSync(tmpdir() + '/left-');
     setInterval(() => undefined, 1000);`,
  );
  await using runtime = createLocalRuntime({
    environment: 'local',
    dataDir,
    controlPlaneUrl: 'http://127.0.0.1:1',
    agentRunnerPath,
    trialAgentPath: undefined,
    codexPath: undefined,
    modelBaseUrl: 'http://127.0.0.1:1',
    modelApiKey: undefined,
    otlpEndpoint: undefined,
    baseEnv: { PATH: process.env['PATH'] },
    log: createLogger({ service: 'test', level: 'silent' }),
  });
  const runId = randomUUID();
  const left = async (): Promise<string[]> =>
    vi.waitFor(() => {
      const names = readdirSync(join(dataDir, 'runs', runId, 'tmp'));
      expect(names).toHaveLength(1);
      return names;
    });
  const spec = { runId, projectId: randomUUID(), correlationId: 'c', runToken: 't', namespace: undefined, traceparent: undefined };

  await runtime.launch({ ...spec, attempt: 1 });
  const first = await left();
  await runtime.launch({ ...spec, attempt: 2 });
  await vi.waitFor(async () => expect(await left()).not.toEqual(first));
  await runtime.clean(runId);

  expect(existsSync(join(dataDir, 'runs', runId))).toBe(false);
});
