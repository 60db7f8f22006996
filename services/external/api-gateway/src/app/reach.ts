/** Failures of asking the control plane, as ours. */
import { AppError, isErrorCode } from '@codex-k8s/domain';

export async function reach<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new AppError('service.unavailable', 'The control plane is not reachable.', { cause: error });
  }
}

export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code; // the contract's Error, or nothing when there was no answer
}

export function translate(error: unknown): AppError {
  const code = codeOf(error);
  if (isErrorCode(code)) return new AppError(code, (error as { message: string }).message); // the contract's Error
  return new AppError('service.unavailable', 'The control plane did not answer.', { cause: error });
}
