/** Failures of the API and of git over HTTP that a test orders by function call; HTTP cannot reach them. */
export interface Fault {
  /** A status GitHub would answer, or `drop` to close the connection without an answer. */
  readonly status: number | 'drop';
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What `METHOD /path?query` must match; a string must be contained. All requests when left out. */
  readonly match?: RegExp | string;
  /** How often; once by default, for good with `Infinity`. */
  readonly times?: number;
}

export interface Faults {
  failNext(fault: Fault): void;
  /** Every API call answers 403 with GitHub's rate limit headers until then. */
  limitUntil(date: Date): void;
  clear(): void;
  /** The fault for this request, used up by asking. */
  take(method: string, url: string): Fault | undefined;
  readonly limitedUntil: () => Date | undefined;
}

export function createFaults(): Faults {
  let pending: { fault: Fault; left: number }[] = [];
  let limit: Date | undefined;
  return {
    failNext: (fault) => void pending.push({ fault, left: fault.times ?? 1 }),
    limitUntil: (date) => {
      limit = date;
    },
    clear: () => {
      pending = [];
      limit = undefined;
    },
    take: (method, url) => {
      const found = pending.find(({ fault }) => matches(fault.match, `${method} ${url}`));
      if (!found) return undefined;
      found.left -= 1;
      if (found.left <= 0) pending = pending.filter((entry) => entry !== found);
      return found.fault;
    },
    limitedUntil: () => limit,
  };
}

function matches(match: Fault['match'], request: string): boolean {
  if (match === undefined) return true;
  return typeof match === 'string' ? request.includes(match) : match.test(request);
}
