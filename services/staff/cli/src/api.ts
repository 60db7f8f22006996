import type { Error as ApiProblem } from '@codex-k8s/contracts/staff';
import { createClient, type Client } from '@codex-k8s/contracts/staff/client';
import { CliError, withRemedy } from './cli-error.ts';
import type { Connection } from './connection.ts';
import { exitOfStatus } from './exit-codes.ts';

export function createApi({ apiUrl, token }: Connection): Client {
  return createClient({ baseUrl: apiUrl, auth: token });
}

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response?: Response;
}

export function isProblem(value: unknown): value is ApiProblem {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** The data of a call of the generated client; otherwise a `CliError` with what the API said. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<Exclude<T, undefined>> {
  const { data, error, response } = await call;
  if (response?.ok) return data as Exclude<T, undefined>; // the client parsed what the contract promises for 2xx
  if (!response) throw unreachable(error);
  throw problemOf(response.status, error);
}

export function problemOf(status: number, body: unknown): CliError {
  const problem = isProblem(body) ? body : { code: 'service.unavailable', message: `The platform answered ${status}.` };
  return new CliError(exitOfStatus(status), withRemedy(problem));
}

export function unreachable(cause: unknown): CliError {
  const reason = cause instanceof Error && cause.cause instanceof Error ? ` (${cause.cause.message})` : '';
  return new CliError(
    'unavailable',
    {
      code: 'service.unavailable',
      message: `The platform does not answer${reason}.`,
      remedy: 'Check --url and that the platform is running.',
    },
    { cause },
  );
}
