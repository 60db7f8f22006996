import { errorTextsRu } from '@codex-k8s/domain';
import type { Run } from '@codex-k8s/store';
import { expect, test } from 'vitest';
import { refusalComment, statusComment, statusMarker } from './comment-texts.ts';

const publicUrl = 'https://console.example';
const failed = {
  id: '0a1b2c3d-0000-4000-8000-000000000000',
  status: 'failed',
  agentKey: 'dev',
  program: 'trial',
  model: 'scripted',
  scripted: true,
  attempt: 2,
  prNumber: 12,
  failureCode: 'run.nothing_delivered',
  failureMessage: 'no commit',
  triggerKind: 'dev',
  reasoningEffort: 'high',
} as Run; // the members the text is made of

test('a failure names its code and what to do, in the language of the project', () => {
  const [english, russian] = [statusComment(failed, { locale: 'en', publicUrl }), statusComment(failed, { locale: 'ru', publicUrl })];

  expect(english).toContain('Cause: no commit (`run.nothing_delivered`)');
  expect(english).toContain('Make the issue more specific');
  expect(russian).toContain(errorTextsRu['run.nothing_delivered'].remedy);
});

test('the hidden line is found by the marker and holds the facts', () => {
  const text = statusComment(failed, { locale: 'en', publicUrl });

  expect(text).toContain(statusMarker(failed.id));
  const [, json = ''] = /<!-- codex-k8s:run-status (\{.*\}) -->/.exec(text) ?? [];
  expect(JSON.parse(json)).toMatchObject({ run_id: failed.id, run_status: 'failed', attempt: 2, phase: 'finished' });
});

test('a scripted answer is never passed off as an AI', () => {
  expect(statusComment(failed, { locale: 'en', publicUrl })).toContain('not from an AI');
  expect(statusComment({ ...failed, scripted: false }, { locale: 'en', publicUrl })).not.toContain('not from an AI');
});

test('a refusal says what was refused, why, and the remedy', () => {
  const text = refusalComment(
    'active_run_exists',
    { label: 'run:dev', active_run_id: 'r1' },
    { locale: 'en', publicUrl, deliveryId: 'd1' },
  );

  expect(text).toContain('`run:dev` was taken off');
  expect(text).toContain('https://console.example/runs/r1');
  expect(text).toContain('codex-k8s:refusal d1');
});
