import { AppError } from '@codex-k8s/domain';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import { documentId, type Contract, type Operation, type Schema } from './contract.ts';

export interface MountOptions {
  readonly contract: Contract;
  /** One handler per operationId: the generated `RouteHandlers`, or part of it together with `only`. */
  readonly handlers: object;
  /** Mount these operations and no others; all when absent. */
  readonly only?: readonly string[];
  /** Of every route, such as a rate limit. */
  readonly routeConfig?: FastifyContextConfig;
  /** Runs before the body is read: who calls? Throws `auth.unauthorized`. */
  readonly authenticate?: (operation: Operation, request: FastifyRequest) => Promise<void> | void;
  /** Runs when parameters and body are valid: may the caller? Throws `auth.forbidden` or a `…not_found`. */
  readonly authorize?: (operation: Operation, request: FastifyRequest) => Promise<void>;
  /** An answer of ours broke the contract. Throw (tests) or log and count (production). */
  readonly onMismatch: (problem: { operationId: string; status: number; problems: string }) => void;
}

/**
 * Mounts a contract: a route per operationId, requests and answers checked at run time (FR-038). A handler too many or too few is a
 * TypeError at start. Path, query and header values are converted to their types; a body is taken as it is.
 */
export function mountContract(app: FastifyInstance, options: MountOptions): void {
  const { contract, only } = options;
  const handlers = new Map<string, unknown>(Object.entries(options.handlers));
  const operations = contract.operations.filter(({ operationId }) => only?.includes(operationId) ?? true);
  const missing = operations.filter(({ operationId }) => !handlers.has(operationId)).map(({ operationId }) => operationId);
  const extra = [...handlers.keys()].filter((name) => !operations.some(({ operationId }) => operationId === name));
  if (missing.length + extra.length > 0)
    throw new TypeError(`Handlers missing: ${missing.join(', ')}; handlers without operation: ${extra.join(', ')}`);
  const compile = createCompilers(contract.document);
  for (const operation of operations) {
    mountOperation(app, { operation, options, compile, handler: handlers.get(operation.operationId) as RouteHandlerMethod }); // typed by RouteHandlers
  }
}

interface Compilers {
  /** With conversion, for what arrives as text. */
  text(schema: Schema): ValidateFunction;
  json(schema: Schema): ValidateFunction;
}

function createCompilers(document: Schema): Compilers {
  const create = (coerceTypes: boolean | 'array'): Ajv2020 => {
    const ajv = new Ajv2020({ strict: false, allErrors: false, useDefaults: true, coerceTypes, removeAdditional: false });
    addFormats.default(ajv);
    ajv.addSchema({ components: document['components'] }, documentId);
    return ajv;
  };
  const [text, json] = [create('array'), create(false)];
  return { text: (schema) => text.compile(schema), json: (schema) => json.compile(schema) };
}

interface OperationMount {
  readonly operation: Operation;
  readonly options: MountOptions;
  readonly compile: Compilers;
  readonly handler: RouteHandlerMethod;
}

function mountOperation(app: FastifyInstance, { operation, options, compile, handler }: OperationMount): void {
  const { contract, authenticate, authorize, onMismatch } = options;
  const checks = requestChecks(operation, compile);
  const answers = new Map([...operation.responses].map(([status, schema]) => [status, schema && compile.json(schema)]));
  app.route({
    method: operation.method,
    url: `${contract.basePath}${operation.url}`,
    config: { ...options.routeConfig, operationId: operation.operationId },
    onRequest: async (request) => {
      await authenticate?.(operation, request);
    },
    preValidation: async (request) => {
      for (const check of checks) check(request);
    },
    preHandler: async (request) => {
      await authorize?.(operation, request);
    },
    preSerialization: async (_request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
      const validate = answers.get(String(reply.statusCode)) ?? answers.get('default');
      // What is checked is what is sent: dates are text by then, absent members are gone.
      if (validate && !validate(JSON.parse(JSON.stringify(payload)))) {
        onMismatch({ operationId: operation.operationId, status: reply.statusCode, problems: describe(validate.errors) });
      }
      return payload;
    },
    handler,
  });
}

function requestChecks(operation: Operation, compile: Compilers): ((request: FastifyRequest) => void)[] {
  const checks: ((request: FastifyRequest) => void)[] = [];
  const parts = [
    ['path', 'params', operation.params],
    ['query', 'query', operation.query],
    ['header', 'headers', operation.headers],
  ] as const;
  for (const [place, member, schema] of parts) {
    if (!schema) continue;
    const validate = compile.text(schema);
    checks.push((request) => check(validate, request[member], place));
  }
  if (operation.body) {
    const validate = compile.json(operation.body);
    const { bodyRequired } = operation;
    checks.push(({ body }) => {
      if (body === undefined || body === null) {
        if (bodyRequired) throw new AppError('request.malformed', 'A JSON body is required.', { field: 'body' });
        return;
      }
      check(validate, body, 'body');
    });
  }
  return checks;
}

function check(validate: ValidateFunction, value: unknown, place: string): void {
  if (validate(value)) return;
  const [error] = validate.errors ?? [];
  const path = error ? [place, ...error.instancePath.split('/').filter(Boolean), ...nameIn(error)].join('.') : place;
  throw new AppError('request.invalid', `${path} ${error?.message ?? 'is not valid'}.`, { field: path });
}

function nameIn({ params }: ErrorObject): string[] {
  const name: unknown = params['missingProperty'] ?? params['additionalProperty'];
  return typeof name === 'string' ? [name] : [];
}

function describe(errors: readonly ErrorObject[] | null | undefined): string {
  return (errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message ?? ''}`).join('; ');
}
