import type { Error as ApiProblem } from '@codex-k8s/contracts/staff';
import type { Client } from '@codex-k8s/contracts/staff/client';
import { inject, type InjectionKey } from 'vue';

/** The part of EventSource the console uses; tests pass their own. */
export interface EventStream {
  addEventListener(type: string, listener: (message: MessageEvent<string>) => void): void;
  close(): void;
  readonly readyState: number;
}

export interface Api {
  readonly client: Client;
  readonly openStream: (address: string) => EventStream;
}

export const apiKey: InjectionKey<Api> = Symbol('api');

export function useApi(): Api {
  const api = inject(apiKey);
  if (!api) throw new Error('The API was not provided.');
  return api;
}

/** A failed request: what the API said, or `network` when it said nothing. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly remedy: string | undefined;
  readonly correlationId: string | undefined;

  constructor(status: number, problem: ApiProblem) {
    super(problem.message);
    this.status = status;
    this.code = problem.code;
    this.field = problem.field;
    this.remedy = problem.remedy;
    this.correlationId = problem.correlation_id;
  }
}

function isProblem(value: unknown): value is ApiProblem {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response?: Response;
}

/** The data of a call of the generated client, or an ApiError. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<Exclude<T, undefined>> {
  const { data, error, response } = await call.catch((cause: unknown): Answer<T> => ({ error: cause }));
  if (response?.ok) return data as Exclude<T, undefined>; // the client parsed what the contract promises for 2xx
  if (!response)
    throw new ApiError(0, { code: 'network', message: error instanceof Error ? error.message : 'The platform did not answer.' });
  if (isProblem(error)) throw new ApiError(response.status, error);
  throw new ApiError(response.status, { code: 'network', message: `The platform answered ${response.status}.` });
}
