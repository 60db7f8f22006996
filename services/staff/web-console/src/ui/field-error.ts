import { ApiError } from '../app/api.ts';

/** What the API says about one field of a form: it names fields dotted, such as `body.token`. */
export function fieldError(error: unknown, ...names: readonly string[]): string | undefined {
  if (!(error instanceof ApiError) || !error.field) return undefined;
  const last = error.field.split('.').at(-1) ?? '';
  if (!names.includes(last)) return undefined;
  return error.remedy ? `${error.message} ${error.remedy}` : error.message;
}
