import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

/** GitHub's own description of its REST API, read from the package, and checks of answers against it. */
export interface Description {
  /** The operation an address belongs to: `GET /repos/{owner}/{repo}`. Undefined: GitHub has no such route. */
  operationOf(method: string, path: string): string | undefined;
  /** What is wrong with an answer; none: it is what GitHub would send. */
  problems(operation: string, status: number, body: unknown): string[];
  requestProblems(operation: string, body: unknown): string[];
}

type Json = Record<string, unknown>;

interface Operation {
  readonly responses: Record<string, { $ref?: string; content?: Content }>;
  readonly requestBody?: { content: Content };
}

type Content = Record<string, { schema?: Json }>;

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Json>; responses: Record<string, { content?: Content }> };
}

export function readDescription(): Description {
  const root = dirname(createRequire(import.meta.url).resolve('@octokit/openapi/package.json'));
  // The package's document is JSON of this shape; what we rely on is checked by using it.
  const document = JSON.parse(readFileSync(join(root, 'generated/api.github.com.json'), 'utf8')) as Document;
  const templates = Object.keys(document.paths).map((path) => ({ path, pattern: patternOf(path), rank: rankOf(path) }));
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  addFormats.default(ajv);
  ajv.addFormat('int64', true);
  ajv.addFormat('repo.nwo', true);
  ajv.addSchema({ $id: 'github', components: { schemas: toJsonSchema(document.components.schemas) } });
  const compiled = new Map<string, ValidateFunction>();

  function check(key: string, schema: Json, value: unknown): string[] {
    const validate = compiled.get(key) ?? ajv.compile(pointIntoDocument(toJsonSchema(schema)));
    compiled.set(key, validate);
    return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message}`);
  }

  function operationAt(operation: string): Operation | undefined {
    const [method = '', path = ''] = operation.split(' ');
    return document.paths[path]?.[method.toLowerCase()];
  }

  return {
    operationOf: (method, path) => {
      const found = templates
        .filter((template) => template.pattern.test(path) && document.paths[template.path]?.[method.toLowerCase()])
        .toSorted((a, b) => b.rank - a.rank)[0];
      return found && `${method} ${found.path}`;
    },
    problems: (operation, status, body) => {
      const described = operationAt(operation)?.responses[String(status)];
      if (!described && !undescribed.has(status)) return [`status ${status} is not described`];
      const response = described?.$ref ? document.components.responses[described.$ref.split('/').at(-1) ?? ''] : described;
      const schema = response?.content?.['application/json']?.schema;
      if (!schema && status >= 400) return check('basic-error', { $ref: '#/components/schemas/basic-error' }, body);
      if (!schema) return body === undefined ? [] : ['a body is not described'];
      return check(`${operation} ${status}`, schema, body);
    },
    requestProblems: (operation, body) => {
      const schema = operationAt(operation)?.requestBody?.content['application/json']?.schema;
      return schema === undefined ? [] : check(`${operation} request`, schema, body);
    },
  };
}

/** What any route may answer, so that GitHub does not repeat it for each. */
const undescribed = new Set([400, 401, 403, 404, 422]);

/** Parameters that hold whole paths or refs may contain slashes. */
const deep = new Set(['path', 'ref', 'basehead']);

function patternOf(path: string): RegExp {
  const source = path.replaceAll(/[.]/g, '[.]').replaceAll(/\{(\w+)\}/g, (_, name: string) => (deep.has(name) ? '.+' : '[^/]+'));
  return new RegExp(`^${source}$`);
}

/** Literal segments make a template the better match. */
function rankOf(path: string): number {
  return path.split('/').filter((segment) => !segment.startsWith('{')).length * 100 + path.split('/').length;
}

/** OpenAPI 3.0's `nullable` in JSON Schema's words; everything else is near enough for Ajv. */
function toJsonSchema<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(toJsonSchema) as T; // same shape, element by element
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema)
    .filter(([key]) => key !== 'example' && key !== 'examples')
    // Many alternatives overlap, which `oneOf` would refuse: GitHub means "one of these shapes".
    .map(([key, value]) => [key === 'oneOf' ? 'anyOf' : key, toJsonSchema(value)] as const);
  const { nullable, ...rest } = Object.fromEntries<unknown>(entries);
  if (nullable !== true) return ('nullable' in schema ? rest : Object.fromEntries(entries)) as T;
  return { anyOf: [rest, { type: 'null' }] } as T;
}

function pointIntoDocument(schema: Json): Json {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"github#/');
  return JSON.parse(text) as Json; // a schema stays a schema
}
