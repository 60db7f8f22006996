/** What the shell learns: one table, read by the code, `--help` and the README's test. */
export const exitCodes = {
  ok: { code: 0, meaning: 'done' },
  failed: { code: 1, meaning: 'failed; the message says why' },
  usage: { code: 2, meaning: 'wrong command, option or value' },
  forbidden: { code: 3, meaning: 'not signed in, or not allowed' },
  notFound: { code: 4, meaning: 'no such thing' },
  conflict: { code: 5, meaning: 'not possible in the present state' },
  unavailable: { code: 6, meaning: 'the platform does not answer; try again' },
} as const;

export type ExitName = keyof typeof exitCodes;

/** The exit that an API status means; 0 stands for no answer at all. */
export function exitOfStatus(status: number): ExitName {
  switch (status) {
    case 400:
    case 413:
    case 422:
      return 'usage';
    case 401:
    case 403:
      return 'forbidden';
    case 404:
      return 'notFound';
    case 409:
      return 'conflict';
    case 0:
    case 429:
    case 503:
    case 504:
      return 'unavailable';
    default:
      return 'failed';
  }
}

export function exitCodesHelp(): string {
  return Object.values(exitCodes)
    .map(({ code, meaning }) => `  ${code}  ${meaning}`)
    .join('\n');
}
