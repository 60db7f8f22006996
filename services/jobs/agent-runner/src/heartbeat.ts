import { statSync } from 'node:fs';
import type { Logger } from '@codex-k8s/runtime';
import { AttemptOver, type ControlPlane, type HeartbeatAnswer } from './control-plane.ts';
import type { Stop } from './stop.ts';

export interface HeartbeatOptions {
  readonly controlPlane: Pick<ControlPlane, 'heartbeat'>;
  /** However seldom the platform wants to hear of it, this often at least. */
  readonly longestMs: number;
  /** The run's own. */
  readonly folder: string;
  readonly stop: Stop;
  readonly log: Logger;
}

/** Long after this the platform would replace the attempt anyway; its session is on the disk. */
const longestSilenceMs = 3_600_000;

const usualMs = 5_000;

/** How long an attempt waits after this answer; undefined: after none. */
export function beatAfterMs(answer: HeartbeatAnswer | undefined, longestMs: number): number {
  return Math.min(longestMs, answer?.next_in_seconds === undefined ? usualMs : answer.next_in_seconds * 1_000);
}

/**
 * Tells the platform every few seconds that the attempt lives, and stops it when the answer says so. An absent control plane stops nothing
 * for an hour, unless the run's folder is gone as well: then the platform was removed, and nobody will ever hear this attempt.
 */
export function startHeartbeat({ controlPlane, longestMs, folder, stop, log }: HeartbeatOptions): Disposable {
  let isEnded = false;
  let known: string | undefined;
  let answeredAt = Date.now();
  let timer: NodeJS.Timeout | undefined;

  function isGone(): boolean {
    const now = identityOf(folder);
    return now === undefined || (known !== undefined && now !== known);
  }

  async function beat(): Promise<HeartbeatAnswer | undefined> {
    known ??= identityOf(folder);
    try {
      const answer = await controlPlane.heartbeat();
      answeredAt = Date.now();
      if (answer.continue) return answer;
      log.info({ status: answer.status }, 'the platform ends this attempt');
      stop.request('over');
    } catch (error) {
      if (error instanceof AttemptOver) {
        log.info({ reason: error.message }, 'this attempt is over');
        stop.request('over');
      } else if (isGone()) stop.request('over');
      else if (Date.now() - answeredAt > longestSilenceMs) stop.request('terminated');
      else if (!stop.signal.aborted) log.warn({ err: error }, 'heartbeat failed');
    }
    return undefined;
  }

  async function loop(): Promise<void> {
    const answer = await beat();
    if (!isEnded && !stop.signal.aborted) timer = setTimeout(() => void loop(), beatAfterMs(answer, longestMs));
  }

  void loop();
  return {
    [Symbol.dispose]() {
      isEnded = true;
      clearTimeout(timer);
    },
  };
}

/** What the runner or its agent writes meanwhile may make a removed folder again: then it is another. */
function identityOf(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found && `${found.ino}/${found.birthtimeMs}`;
}
