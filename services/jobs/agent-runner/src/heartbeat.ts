import { statSync } from 'node:fs';
import type { Logger } from '@codex-k8s/runtime';
import { AttemptOver, type ControlPlane } from './control-plane.ts';
import type { Stop } from './stop.ts';

export interface HeartbeatOptions {
  readonly controlPlane: Pick<ControlPlane, 'heartbeat'>;
  readonly everyMs: number;
  /** The run's own. */
  readonly folder: string;
  readonly stop: Stop;
  readonly log: Logger;
}

/** Long after this the platform would replace the attempt anyway; its session is on the disk. */
const longestSilenceMs = 3_600_000;

/**
 * Tells the platform every few seconds that the attempt lives, and stops it when the answer says so. An absent control plane stops nothing
 * for an hour, unless the run's folder is gone as well: then the platform was removed, and nobody will ever hear this attempt.
 */
export function startHeartbeat({ controlPlane, everyMs, folder, stop, log }: HeartbeatOptions): Disposable {
  let isEnded = false;
  let known: string | undefined;
  let answeredAt = Date.now();
  let timer: NodeJS.Timeout | undefined;

  function isGone(): boolean {
    const now = identityOf(folder);
    return now === undefined || (known !== undefined && now !== known);
  }

  async function beat(): Promise<void> {
    known ??= identityOf(folder);
    try {
      const answer = await controlPlane.heartbeat();
      answeredAt = Date.now();
      if (answer.continue) return;
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
  }

  async function loop(): Promise<void> {
    await beat();
    if (!isEnded && !stop.signal.aborted) timer = setTimeout(() => void loop(), everyMs);
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
