import { isObject, type Json, type JsonObject } from './json.ts';

/** RFC 7396: what has to be sent to turn one object into the other; lists are replaced as a whole. Undefined: nothing differs. */
export function mergePatch(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const changes: [string, Json][] = [];
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const change = changeOf(before[name], after[name]);
    if (change !== undefined) changes.push([name, change]);
  }
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

function changeOf(old: Json | undefined, asked: Json | undefined): Json | undefined {
  if (asked === undefined || asked === null) return old === undefined || old === null ? undefined : null;
  if (isObject(old) && isObject(asked)) return mergePatch(old, asked);
  return sameJson(old, asked) ? undefined : asked;
}

function sameJson(a: Json | undefined, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item: Json, at) => sameJson(item, b[at] as Json)); // same length
  if (isObject(a) && isObject(b)) {
    const [one, other] = [a, b];
    const names = Object.keys(one);
    return names.length === Object.keys(other).length && names.every((name) => name in other && sameJson(one[name], other[name] ?? null));
  }
  return a === b;
}

/** The dotted places that a patch changes: names only, no values. */
export function patchedPaths(patch: JsonObject, at = ''): string[] {
  return Object.entries(patch).flatMap(([name, change]) => {
    const path = at === '' ? name : `${at}.${name}`;
    return isObject(change) ? patchedPaths(change, path) : [path];
  });
}
