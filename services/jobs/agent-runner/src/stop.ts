/** Why an attempt ends before its work is done. */
export type StopReason = 'terminated' | 'over';

/** `terminated`: the platform goes down and resumes the run later. `over`: it wants nothing more of this attempt. The first reason stays. */
export interface Stop {
  readonly signal: AbortSignal;
  readonly reason: StopReason | undefined;
  request(reason: StopReason): void;
}

export function createStop(): Stop {
  const controller = new AbortController();
  let reason: StopReason | undefined;
  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    request(next) {
      reason ??= next;
      controller.abort();
    },
  };
}

/** What the process says to its parent. 143 and 3: nothing was reported, the platform decides. */
export const exitCodes = { finished: 0, failed: 1, over: 3, terminated: 143 } as const;
