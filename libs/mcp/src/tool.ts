import { AppError } from '@codex-k8s/domain';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** One tool of the catalogue: what the model sees, and what happens. `C` is the verified caller. */
export interface Tool<C> {
  readonly name: string;
  readonly description: string;
  /** JSON Schema 2020-12 of the arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** The result as JSON; an AppError becomes a tool error with its code. */
  readonly call: (caller: C, input: unknown) => Promise<Readonly<Record<string, unknown>>>;
  /** The code of a failed schema check. */
  readonly invalidCode?: 'run.report_invalid' | 'request.invalid';
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
const compiled = new WeakMap<object, ValidateFunction>();

/** Throws the tool's `invalidCode` with every problem named, so that the model can correct its call at once. */
export function checkArguments<C>({ name, inputSchema, invalidCode = 'request.invalid' }: Tool<C>, input: unknown): void {
  const validate = compiled.get(inputSchema) ?? ajv.compile(inputSchema);
  compiled.set(inputSchema, validate);
  if (validate(input)) return;
  const problems = (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const extra: unknown = params['additionalProperty'];
    return `${instancePath || 'arguments'} ${message ?? ''}${typeof extra === 'string' ? ` (${extra})` : ''}`;
  });
  throw new AppError(invalidCode, `${name}: ${problems.join('; ')}`);
}
