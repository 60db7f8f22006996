import { expect, test } from 'vitest';
import { createLabels, labelTextsOf } from './labels.ts';

test('the environment renames labels by their variables and nothing else', () => {
  const texts = labelTextsOf({
    CODEXK8S_RUN_DEV_LABEL: 'ai:build',
    CODEXK8S_STATE_IN_REVIEW_LABEL: 'in review',
    CODEXK8S_NOBODY_KNOWS_LABEL: 'x',
    CODEXK8S_HTTP_PORT: 8080,
  });

  expect(texts).toEqual({ CODEXK8S_RUN_DEV_LABEL: 'ai:build', CODEXK8S_STATE_IN_REVIEW_LABEL: 'in review' });
});

test('a renamed trigger label starts its stage, and its old text nothing', () => {
  const labels = createLabels(labelTextsOf({ CODEXK8S_RUN_DEV_LABEL: 'ai:build' }));

  expect([labels.triggerOf('AI:Build')?.stage, labels.triggerOf('run:dev'), labels.triggerText('dev', false)]).toEqual([
    'dev',
    undefined,
    'ai:build',
  ]);
});
