import type { Verification as Recorded } from '@codex-k8s/contracts/staff';

/** One question to the code host and its answer; the contract names them all, since people are shown each. */
export type Check = Readonly<Recorded['checks'][number]>;

export interface Verification extends Readonly<Omit<Recorded, 'checks'>> {
  readonly checks: readonly Check[];
}

export function verificationOf(checks: readonly Check[]): Verification {
  return { confirmed: checks.every(({ ok }) => ok), checked_at: new Date().toISOString(), checks };
}
