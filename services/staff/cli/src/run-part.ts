import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { errorCodes, isErrorCode } from '@codex-k8s/domain';
import type { z } from 'zod';
import { isProblem } from './api.ts';
import { CliError } from './cli-error.ts';
import { parseJson } from './connection.ts';
import { exitOfStatus } from './exit-codes.ts';

/** Runs one of the platform's own commands, which answers with one JSON object, or with the error object on standard error. */
export async function runPart<T>(path: string, args: readonly string[], Answer: z.ZodType<T>): Promise<T> {
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const answer = Answer.safeParse(parseJson(output));
  if (answer.success) return answer.data;
  const problem = errors.split('\n').map(parseJson).findLast(isProblem) ?? {
    code: 'internal',
    message: errors.trim() || 'The command ended without an answer.',
  };
  throw new CliError(exitOfStatus(isErrorCode(problem.code) ? errorCodes[problem.code].http : 500), problem);
}
