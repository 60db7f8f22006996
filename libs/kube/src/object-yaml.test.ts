import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromYaml, shownPart, toYaml } from './object-yaml.ts';

test('what is written is read back the same, whatever its strings look like', () => {
  const tricky = fc.constantFrom(
    'yes',
    'on',
    'null',
    '~',
    '2026-11-21',
    '0644',
    '1e3',
    '1_000',
    '12:30:45',
    '=',
    '<<',
    '',
    ' x ',
    'a: b',
    '# no',
    '*a',
    '!x',
  );
  const value = fc.oneof(
    tricky,
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.oneof(tricky, fc.string()), { maxLength: 3 }),
  );
  const object = fc.dictionary(
    fc.stringMatching(/^[-._a-zA-Z0-9]{1,12}$/).filter((name) => name !== '__proto__'),
    value,
    { noNullPrototype: true },
  );

  fc.assert(
    fc.property(object, (one) => {
      expect(fromYaml(toYaml(one))).toEqual(one);
    }),
  );
});

describe('a text that is no object', () => {
  test.each([
    ['a broken one', 'a: [1\nb: "hunter2', /^Not YAML \(\w+, line \d+, column \d+\)\.$/],
    ['a key given twice', 'a: 1\na: hunter2', /^Not YAML \(DUPLICATE_KEY, line 2/],
    ['a list', '- hunter2', /^Not a YAML object\.$/],
    ['nothing', '', /^Not a YAML object\.$/],
    [
      'a bomb of aliases',
      `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [${'*b,'.repeat(60)}*b]`,
      /^Too many aliases/,
    ],
  ])('%s is refused without being quoted', (_, text, message) => {
    expect(() => fromYaml(text)).toThrow(
      expect.objectContaining({ code: 'request.unprocessable', message: expect.stringMatching(message) }),
    );
    expect(() => fromYaml(text)).not.toThrow(/hunter2/);
  });
});

test('a Secret is shown without its values, also where kubectl keeps a copy of them', () => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"password":"aHVudGVyMg=="}}', note: 'x' };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: 's', annotations, resourceVersion: '7', managedFields: [{ manager: 'm' }] },
    data: { password: 'aHVudGVyMg==' },
    stringData: { other: 'hunter2' },
  };

  const yaml = toYaml(shownPart(secret, { isSecret: true }));

  expect(yaml).toBe('apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    note: x\ntype: Opaque\n');
});
