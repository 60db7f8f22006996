/** One question to the code host and its answer. */
export interface Check {
  readonly name:
    | 'branch_exists'
    | 'head_matches'
    | 'commits_ahead'
    | 'commits_of_this_run'
    | 'pull_request_open'
    | 'pull_request_head_matches'
    | 'review_posted';
  readonly ok: boolean;
  readonly detail?: string;
}

export interface Verification {
  readonly confirmed: boolean;
  readonly checked_at: string;
  readonly checks: readonly Check[];
}

export function verificationOf(checks: readonly Check[]): Verification {
  return { confirmed: checks.every(({ ok }) => ok), checked_at: new Date().toISOString(), checks };
}
