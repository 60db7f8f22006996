import { expect, test } from 'vitest';
import { knownObjects } from './known-objects.ts';

const object = (name: string, run?: string, version = '1') => ({
  metadata: { namespace: 'n', name, resourceVersion: version, ...(run !== undefined && { labels: { run } }) },
});
const byRun = () => knownObjects<ReturnType<typeof object>>(({ metadata }) => metadata.labels?.run);

test('objects are found by their group, in their newest version', () => {
  const known = byRun();
  const [one, two, newer] = [object('a', 'r1'), object('b', 'r1'), object('a', 'r1', '2')];
  for (const each of [one, two, object('c', 'r2'), object('d'), newer]) known.put(each);

  expect(known.of('r1').toSorted((x, y) => x.metadata.name.localeCompare(y.metadata.name))).toEqual([newer, two]);
  expect(known.all()).toHaveLength(4);
  expect(known.of('r3')).toEqual([]);
});

test('an object whose label changed is in its new group only', () => {
  const known = byRun();
  known.put(object('a', 'r1'));
  known.put(object('a', 'r2', '2'));

  expect([known.of('r1').length, known.of('r2').length, known.all().length]).toEqual([0, 1, 1]);
});

test('what is removed is gone everywhere, whatever its last version says', () => {
  const known = byRun();
  known.put(object('a', 'r1'));
  known.remove(object('a', 'r2', '2'));
  known.remove(object('never', 'r1'));

  expect([known.of('r1'), known.of('r2'), known.all()]).toEqual([[], [], []]);
});
