import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from './config.ts';

const Anything = z.record(z.string(), z.string());

test('our variables and two of OpenTelemetry are read, nothing else of the environment is', () => {
  const env = {
    CODEXK8S_HTTP_PORT: '1',
    CODEXK8S_EMPTY: '',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    OTEL_CONFIG_FILE: '/nowhere',
    TRACEPARENT: '00-…',
    KUBECONFIG: '/home/me/.kube/config',
    PATH: '/bin',
    AWS_SECRET_ACCESS_KEY: 'x',
  };

  expect(readConfig(Anything, env)).toEqual({
    CODEXK8S_HTTP_PORT: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    TRACEPARENT: '00-…',
  });
});

test('a file stands for a value, and all problems are said at once without values', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  writeFileSync(join(folder, 'token'), 'from the file\n');

  const config = readConfig(Anything, { CODEXK8S_TOKEN_FILE: join(folder, 'token') });
  const wrong = z.object({ CODEXK8S_A: z.string().min(9), CODEXK8S_B: z.coerce.number() });
  rmSync(folder, { recursive: true });

  expect(config).toEqual({ CODEXK8S_TOKEN: 'from the file' });
  expect(() => readConfig(wrong, { CODEXK8S_A: 'shh', CODEXK8S_B: 'hush' })).toThrow(
    expect.objectContaining({ code: 'config.invalid', message: expect.stringMatching(/^(?!.*(shh|hush)).*CODEXK8S_A.*CODEXK8S_B/s) }),
  );
});
