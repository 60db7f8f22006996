import { parse } from 'yaml';
import { attachedBytesType } from './attached-bytes.ts';

/** One operation of an OpenAPI 3.1 document with its references resolved as far as routing needs. */
export interface Operation {
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Fastify's form, `/runs/:run_id`. */
  readonly url: string;
  /** `x-…` members, such as the least role. */
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly params: Schema | undefined;
  readonly query: Schema | undefined;
  readonly headers: Schema | undefined;
  readonly body: Schema | undefined;
  readonly bodyRequired: boolean;
  /** JSON schema of the answer by status, `default` included. Undefined where the answer is not JSON. */
  readonly responses: ReadonlyMap<string, Schema | undefined>;
}

export type Schema = Readonly<Record<string, unknown>>;

export interface Contract {
  readonly document: Schema;
  /** Path of the first server, such as `/api/v1`. */
  readonly basePath: string;
  readonly operations: readonly Operation[];
}

/** Name under which the document's `components` are known to the validator. */
export const documentId = 'contract';

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** Reads an OpenAPI document. The contract is ours and linted, so a wrong one is a TypeError at start, not an answer. */
export function readContract(text: string): Contract {
  const document = parse(text) as Schema; // OpenAPI 3.1, checked by the linter in CI
  const operations = Object.entries(record(document['paths'])).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = record(item)[method];
      return operation === undefined ? [] : [readOperation(document, { path, item: record(item), method, operation: record(operation) })];
    }),
  );
  const [server] = list(document['servers']);
  return { document, basePath: asText(record(server)['url']), operations };
}

interface OperationSource {
  readonly path: string;
  readonly item: Schema;
  readonly method: (typeof methods)[number];
  readonly operation: Schema;
}

function readOperation(document: Schema, { path, item, method, operation }: OperationSource): Operation {
  const parameters = [...list(item['parameters']), ...list(operation['parameters'])].map((entry) => resolve(document, record(entry)));
  const requestBody = operation['requestBody'] === undefined ? undefined : resolve(document, record(operation['requestBody']));
  return {
    operationId: String(operation['operationId']),
    method: method.toUpperCase() as Operation['method'], // one of `methods`
    url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
    extensions: Object.fromEntries(Object.entries(operation).filter(([key]) => key.startsWith('x-'))),
    params: parameterSchema(parameters, 'path', false),
    query: parameterSchema(parameters, 'query', false),
    headers: parameterSchema(parameters, 'header', true),
    body: requestBody && jsonSchema(requestBody),
    bodyRequired: requestBody?.['required'] === true,
    responses: new Map(
      Object.entries(record(operation['responses'])).map(([status, response]) => [status, jsonSchema(resolve(document, record(response)))]),
    ),
  };
}

function parameterSchema(parameters: readonly Schema[], place: string, additionalProperties: boolean): Schema | undefined {
  const chosen = parameters.filter((parameter) => parameter['in'] === place);
  if (chosen.length === 0 && place !== 'query') return undefined;
  return {
    type: 'object',
    additionalProperties,
    required: chosen.filter((parameter) => parameter['required'] === true).map((parameter) => parameter['name']),
    properties: Object.fromEntries(chosen.map((parameter) => [String(parameter['name']), rebase(parameter['schema'])])),
  };
}

function jsonSchema(holder: Schema): Schema | undefined {
  const content = record(holder['content']);
  const schema = record(content['application/json'] ?? content[attachedBytesType])['schema'];
  return schema === undefined ? undefined : record(rebase(schema));
}

/** References inside a schema, made absolute so that the schema can be compiled alone. */
function rebase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rebase);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === '$ref' ? `${documentId}${String(inner)}` : rebase(inner)]),
  );
}

function resolve(document: Schema, value: Schema): Schema {
  const reference = value['$ref'];
  if (typeof reference !== 'string') return value;
  let target: unknown = document;
  for (const key of reference.slice(2).split('/')) target = record(target)[key];
  return resolve(document, record(target));
}

function record(value: unknown): Schema {
  return value !== null && typeof value === 'object' ? (value as Schema) : {}; // JSON objects only come from the document
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
