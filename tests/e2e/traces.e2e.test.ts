import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSeparateServices, type SeparateServices } from './separate-services.ts';
import { startTraceCollector, type CollectedSpan, type TraceCollector } from './trace-collector.ts';
import { trialFolder, until } from './trial-platform.ts';

const fence = '```';
const stack = new AsyncDisposableStack();
let collector: TraceCollector;
let platform: SeparateServices;

beforeAll(async () => {
  const folder = stack.adopt(trialFolder(), ({ remove }) => remove());
  collector = await startTraceCollector();
  platform = stack.use(
    await startSeparateServices({
      dataDir: folder.path,
      workers: 1,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200' },
    }),
  );
});
afterAll(() => stack.disposeAsync());

async function finishedRun(issue: number, agentKey: string, statuses: readonly string[]) {
  return until(`the ${agentKey} run`, async () =>
    (await platform.api.runs()).find((run) => run.issue_number === issue && run.agent_key === agentKey && statuses.includes(run.status)),
  );
}

/** The spans of a run's trace that tell the story, indented under their parents; the runners' calls are left out. */
function storyOf(spans: readonly CollectedSpan[]): string[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = (isChild: (span: CollectedSpan) => boolean, depth: number): string[] =>
    spans
      .filter((span) => isChild(span) && !span.name.includes('/runs/'))
      .map((span) => ({ span, line: `${'  '.repeat(depth)}${span.service}: ${span.name}` }))
      .toSorted((one, other) => one.line.localeCompare(other.line))
      .flatMap(({ span, line }) => [line, ...below(({ parentSpanId }) => parentSpanId === span.spanId, depth + 1)]);
  return [...new Set(below(({ parentSpanId }) => !known.has(parentSpanId), 0))];
}

const traceOf = ({ correlation_id }: { correlation_id: string }) =>
  collector.spans.filter(({ traceId }) => traceId === correlation_id.replaceAll('-', ''));

test('a label is one trace through all services, to the pull request and its review', async () => {
  const issue = await platform.api.createIssue('Quiet title', `Whispered body.\n\n${fence}file path=a.txt\nmurmured file\n${fence}\n`);

  await platform.api.label(issue, 'run:dev');
  const run = await finishedRun(issue, 'dev', ['waiting_owner_review', 'failed']);
  const review = await finishedRun(issue, 'reviewer', ['succeeded', 'failed']);
  await until('the last comment', async () =>
    traceOf(run).some(
      ({ name, attributes }) =>
        name === 'publish status' &&
        attributes['codexk8s.run.id'] === review.id &&
        traceOf(run).some((span) => span.name === 'post review'),
    ),
  );

  expect(storyOf(traceOf(run))).toEqual(
    `
api-gateway: POST /api/v1/webhooks/github
  control-plane: ingest delivery
    control-plane: create run
      worker: publish status
      worker: start attempt
        agent-runner: run attempt
          agent-runner: agent turn
            agent-runner: execute_tool command_execution
            agent-runner: execute_tool run_status_report
            agent-runner: execute_tool submit_result
          agent-runner: clone
          agent-runner: get prompt
          agent-runner: push
          agent-runner: report
      worker: verify delivery
        worker: create run
          worker: post review
          worker: publish status
          worker: start attempt
            agent-runner: run attempt
              agent-runner: agent turn
                agent-runner: execute_tool command_execution
                agent-runner: execute_tool run_status_report
                agent-runner: execute_tool submit_result
              agent-runner: clone
              agent-runner: get prompt
              agent-runner: report
        worker: open pull request`
      .trim()
      .split('\n'),
  );
  const calls = traceOf(run).filter(({ name }) => name.includes('/runs/'));
  const parents = new Map(traceOf(run).map((span) => [span.spanId, span.service]));
  expect(new Set(calls.map(({ service, parentSpanId }) => `${parents.get(parentSpanId)} -> ${service}`))).toEqual(
    new Set(['agent-runner -> control-plane']),
  );
  expect(traceOf(run).filter(({ error }) => error !== undefined)).toEqual([]);
  expect(traceOf(run).find(({ service }) => service === 'api-gateway')?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/api/v1/webhooks/github',
    'http.response.status_code': 202,
  });
});

test('no text of people or agents is in a trace', () => {
  const sent = JSON.stringify(collector.spans);

  expect(['Quiet', 'Whispered', 'murmured', 'a.txt'].filter((word) => sent.includes(word))).toEqual([]);
});

test('a run that fails says so by the code of its spans', async () => {
  const issue = await platform.api.createIssue('Fails', `${fence}fail model 401\nno\n${fence}\n`);

  await platform.api.label(issue, 'run:dev');
  const run = await finishedRun(issue, 'dev', ['failed', 'waiting_owner_review']);
  await until('the last span', async () => traceOf(run).some(({ name }) => name === 'fail run'));

  const failed = traceOf(run).flatMap(({ name, error, attributes }) =>
    error === undefined ? [] : [`${name}: ${error} ${String(attributes['error.type'])}`],
  );
  expect(failed.toSorted()).toEqual(
    ['agent turn', 'fail run', 'run attempt'].map((name) => `${name}: run.model_unauthorized run.model_unauthorized`),
  );
});

test('a collector that goes away neither fails nor holds up a run', async () => {
  await collector[Symbol.asyncDispose]();
  const issue = await platform.api.createIssue('Untold', `${fence}file path=b.txt\nb\n${fence}\n`);

  await platform.api.label(issue, 'run:dev');

  expect(await finishedRun(issue, 'dev', ['waiting_owner_review', 'failed'])).toMatchObject({ status: 'waiting_owner_review' });
  const warnings = readFileSync(join(platform.dataDir, 'services.log'), 'utf8').match(/"msg":"traces cannot be sent"/g) ?? [];
  expect(warnings.length).toBeLessThanOrEqual(3); // once per service
});
