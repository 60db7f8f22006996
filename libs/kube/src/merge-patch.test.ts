import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isObject, type Json, type JsonObject } from './json.ts';
import { mergePatch, patchedPaths } from './merge-patch.ts';

/** RFC 7396, section 2, word for word. */
function applied(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Record<string, Json> = { ...(isObject(target) && (target as Record<string, Json>)) }; // JSON has no undefined
  for (const [name, value] of Object.entries(patch) as [string, Json][]) {
    if (value === null) delete result[name];
    else result[name] = applied(result[name], value);
  }
  return result;
}

const name = fc.constantFrom('a', 'b', 'c', 'd');
const { object } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));

test('applying the patch gives what was asked for', () => {
  fc.assert(
    fc.property(object, object, (before, after) => {
      expect(applied(before, mergePatch(before, after) ?? {})).toEqual(after);
    }),
  );
});

test('the same text needs no patch', () => {
  fc.assert(
    fc.property(object, (one) => {
      expect(mergePatch(one, structuredClone(one))).toBeUndefined();
    }),
  );
});

describe('what is sent', () => {
  const before = { metadata: { labels: { a: '1', b: '2' } }, spec: { replicas: 1, ports: [80, 81] } };

  test('is only what differs', () => {
    const patch = mergePatch(before, { metadata: { labels: { a: '1' } }, spec: { replicas: 2, ports: [80] } });

    expect(patch).toEqual({ metadata: { labels: { b: null } }, spec: { replicas: 2, ports: [80] } });
    expect(patchedPaths(patch ?? {})).toEqual(['metadata.labels.b', 'spec.replicas', 'spec.ports']);
  });

  test('takes null as absent', () => {
    expect(mergePatch({ a: null }, {})).toBeUndefined();
    expect(mergePatch({ a: 1 }, { a: null })).toEqual({ a: null });
  });
});
