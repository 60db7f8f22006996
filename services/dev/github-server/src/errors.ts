export interface FieldProblem {
  readonly resource: string;
  readonly field?: string;
  readonly code: 'missing' | 'missing_field' | 'invalid' | 'already_exists' | 'unprocessable' | 'custom';
  readonly message?: string;
}

/** An answer that GitHub would give: it becomes `{message, documentation_url, errors?}` with the status. */
export class GithubError extends Error {
  override readonly name = 'GithubError';
  readonly status: number;
  readonly errors: readonly (FieldProblem | string)[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    { errors, headers = {} }: { errors?: readonly (FieldProblem | string)[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }
}

export function notFound(): GithubError {
  return new GithubError(404, 'Not Found');
}

export function forbidden(message: string): GithubError {
  return new GithubError(403, message);
}

export function validationFailed(...errors: (FieldProblem | string)[]): GithubError {
  return new GithubError(422, 'Validation Failed', { errors });
}
