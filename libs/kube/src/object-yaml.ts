/** An object of the cluster as text for people, and back. What is not shown is not changed: a change is sent as a patch between the two texts. */
import { AppError } from '@codex-k8s/domain';
import { parseDocument, stringify } from 'yaml';
import { isObject, type Json, type JsonObject } from './json.ts';

/** As kubectl reads it: quotes what YAML 1.1 would take for a boolean or a date. */
const version = '1.1';

/** It changes with every write and belongs to nobody who edits. */
const hiddenMetadata = ['managedFields', 'resourceVersion', 'generation', 'selfLink'];
/** kubectl keeps the whole object in it, the values of a Secret included. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** What may be shown and edited. Of a Secret nothing that holds a value. */
export function shownPart(object: JsonObject, { isSecret }: { isSecret: boolean }): JsonObject {
  const { status: _status, metadata, ...rest } = object;
  const shown: JsonObject = { ...rest, metadata: without(isObject(metadata) ? metadata : {}, hiddenMetadata) };
  const { apiVersion, kind, ...body } = isSecret ? withoutValues(shown) : shown;
  const { metadata: kept, ...others } = body;
  return { apiVersion, kind, metadata: kept, ...others };
}

function withoutValues(secret: JsonObject): JsonObject {
  const { metadata, ...rest } = without(secret, ['data', 'stringData']);
  const { annotations, ...more } = isObject(metadata) ? metadata : {};
  const kept = isObject(annotations) ? without(annotations, [lastApplied]) : {};
  return { ...rest, metadata: { ...more, ...(Object.keys(kept).length > 0 && { annotations: kept }) } };
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

export function toYaml(value: Json | undefined): string {
  return stringify(value, { version, lineWidth: 0, aliasDuplicateObjects: false });
}

/** `request.unprocessable`: not one YAML object. The text itself is never quoted: it may hold what must not be repeated. */
export function fromYaml(text: string): JsonObject {
  const document = parseDocument(text, { version, prettyErrors: true, uniqueKeys: true });
  const [error] = document.errors;
  if (error) {
    const place = error.linePos?.[0];
    throw unprocessable(`Not YAML (${error.code}${place ? `, line ${place.line}, column ${place.col}` : ''}).`);
  }
  const value: unknown = plain(() => document.toJS({ maxAliasCount: 100 }));
  if (!isObject(value)) throw unprocessable('Not a YAML object.');
  return value;
}

/** Dates become text, as in JSON. */
function plain(read: () => unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(read() ?? null));
  } catch {
    throw unprocessable('Too many aliases, or one that contains itself.');
  }
}

export function unprocessable(message: string): AppError {
  return new AppError('request.unprocessable', message, { field: 'body.yaml' });
}
