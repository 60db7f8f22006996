import { readFileSync } from 'node:fs';
import { AppError } from '@codex-k8s/domain';
import type { z } from 'zod';

/** Variables of OpenTelemetry's standard that our own code reads; the SDK reads the others itself. */
const standardNames: ReadonlySet<string> = new Set(['OTEL_EXPORTER_OTLP_ENDPOINT', 'TRACEPARENT']);

/**
 * Reads one service's configuration. All problems are reported at once (`config.invalid`), naming variables, never values.
 * `NAME_FILE` may stand for `NAME`: the value is then the file's content (how Kubernetes mounts secrets).
 */
export function readConfig<T>(schema: z.ZodType<T>, env: Readonly<Record<string, string | undefined>>): T {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || !(name.startsWith('CODEXK8S_') || standardNames.has(name))) continue;
    if (name.endsWith('_FILE')) values[name.slice(0, -'_FILE'.length)] ??= readFileSync(value, 'utf8').trim();
    else values[name] = value;
  }
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`);
  throw new AppError('config.invalid', `Wrong configuration:\n  ${problems.join('\n  ')}`);
}
