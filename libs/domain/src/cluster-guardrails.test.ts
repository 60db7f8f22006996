import { describe, expect, test } from 'vitest';
import {
  changedGuardedLabel,
  clusterMode,
  environmentLabel,
  environmentOfNamespace,
  isPlatformObject,
  judgeClusterAction,
  partOfLabel,
  type ObjectLabels,
} from './cluster-guardrails.ts';

const ours = { [partOfLabel]: 'codex-k8s', app: 'gateway' };
const other = { app: 'shop' };

describe('what may be done', () => {
  test.each([
    // environment, labels, update, delete
    [undefined, other, 'allowed', 'allowed'],
    [undefined, ours, 'allowed', 'cluster.platform_object'],
    ['dev', other, 'allowed', 'allowed'],
    ['dev', ours, 'allowed', 'cluster.platform_object'],
    ['production', other, 'allowed', 'allowed'],
    ['production', ours, 'cluster.view_only', 'cluster.view_only'],
    ['prod', ours, 'cluster.view_only', 'cluster.view_only'],
    ['ai-staging', ours, 'cluster.view_only', 'cluster.view_only'],
    ['ai-staging', other, 'allowed', 'allowed'],
    ['staging', ours, 'cluster.view_only', 'cluster.view_only'],
    ['all', ours, 'cluster.view_only', 'cluster.view_only'],
    ['ai', other, 'cluster.dry_run_only', 'cluster.dry_run_only'],
    ['ai', ours, 'cluster.dry_run_only', 'cluster.platform_object'],
  ] as const)('in %s with %o: update %s, delete %s', (environment, labels, update, remove) => {
    const guarded = { isPlatformObject: isPlatformObject(labels), environment };
    const said = (['update', 'delete'] as const).map((action) => {
      const judged = judgeClusterAction(guarded, action);
      return judged.verdict === 'allowed' ? 'allowed' : judged.code;
    });

    expect(said).toEqual([update, remove]);
  });

  test('a dry run is told from a refusal', () => {
    expect(judgeClusterAction({ isPlatformObject: false, environment: 'ai' }, 'delete').verdict).toBe('dry_run_only');
    expect(judgeClusterAction({ isPlatformObject: true, environment: 'ai' }, 'delete').verdict).toBe('refused');
  });
});

test.each([
  ['all', 'view_only'],
  ['production', 'view_only'],
  ['prod', 'view_only'],
  ['ai', 'dry_run'],
  ['dev', 'normal'],
  [undefined, 'normal'],
] as const)('the mode of %s is %s', (environment, mode) => {
  expect(clusterMode(environment)).toBe(mode);
});

test('only the exact part-of label makes an object the platform’s', () => {
  const labels: ObjectLabels[] = [ours, other, { [partOfLabel]: 'codex-k8s-fork' }, {}];

  expect(labels.map(isPlatformObject)).toEqual([true, false, false, false]);
});

test.each([
  ['its own namespace, whatever its label says', { labels: { [environmentLabel]: 'ai' }, isPlatformNamespace: true }, 'production'],
  ['a labelled namespace', { labels: { [environmentLabel]: 'dev' } }, 'dev'],
  ['a labelled run namespace', { labels: { [environmentLabel]: 'dev' }, isRunNamespace: true }, 'dev'],
  ['a run namespace', { isRunNamespace: true }, 'ai'],
  ['any other namespace', {}, undefined],
] as const)('the environment of %s', (_, facts, environment) => {
  const namespace = { labels: {}, isRunNamespace: false, isPlatformNamespace: false, ...facts };

  expect(environmentOfNamespace(namespace, 'production')).toBe(environment);
});

test.each([
  ['an ordinary label', { ...ours, app: 'x' }, undefined],
  ['the part-of label taken away', { app: 'gateway' }, partOfLabel],
  ['the part-of label changed', { ...ours, [partOfLabel]: 'shop' }, partOfLabel],
  ['an environment added', { ...ours, [environmentLabel]: 'dev' }, environmentLabel],
] as const)('%s counts as a change of what the rules rest on: %#', (_, after, name) => {
  expect(changedGuardedLabel(ours, after)).toBe(name);
});
