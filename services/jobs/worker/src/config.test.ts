import { readConfig } from '@codex-k8s/runtime';
import { expect, test } from 'vitest';
import { Config } from './config.ts';

const env = {
  CODEXK8S_DB_URL: 'postgres://127.0.0.1/x',
  CODEXK8S_PUBLIC_BASE_URL: 'http://127.0.0.1:8080',
  CODEXK8S_CONTROL_PLANE_URL: 'http://127.0.0.1:8081',
  CODEXK8S_TOKEN_ENCRYPTION_KEY: '0'.repeat(64),
  CODEXK8S_MCP_TOKEN_SIGNING_KEY: 'k'.repeat(32),
  CODEXK8S_MODEL_BASE_URL: 'http://127.0.0.1:4010/v1',
};

test('a worker whose runners would have no model does not start', () => {
  const { CODEXK8S_MODEL_BASE_URL: _, ...without } = env;

  expect(() => readConfig(Config, without)).toThrow(
    expect.objectContaining({ code: 'config.invalid', message: expect.stringContaining('CODEXK8S_MODEL_BASE_URL: needed: the address') }),
  );
  expect(readConfig(Config, env).modelBaseUrl).toBe(env.CODEXK8S_MODEL_BASE_URL);
});
