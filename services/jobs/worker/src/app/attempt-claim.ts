/** What `finishAttempt` of the internal contract stores. */
export interface AttemptClaim {
  readonly outcome: 'delivered' | 'reviewed' | 'failed';
  readonly branch?: string;
  readonly head_sha?: string;
  readonly base_sha?: string;
  readonly failure_code?: string;
  readonly failure_message?: string;
}
