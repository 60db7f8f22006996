import type { Logger } from '@codex-k8s/runtime';
import { AttemptOver, type ControlPlane } from './control-plane.ts';
import type { Stop } from './stop.ts';

/** Tells the platform every few seconds that the attempt lives, and stops it when the answer says so. An absent control plane stops nothing. */
export function startHeartbeat(controlPlane: Pick<ControlPlane, 'heartbeat'>, everyMs: number, stop: Stop, log: Logger): Disposable {
  let isEnded = false;
  let timer: NodeJS.Timeout | undefined;

  async function beat(): Promise<void> {
    try {
      const answer = await controlPlane.heartbeat();
      if (answer.continue) return;
      log.info({ status: answer.status }, 'the platform ends this attempt');
      stop.request('over');
    } catch (error) {
      if (error instanceof AttemptOver) {
        log.info({ reason: error.message }, 'this attempt is over');
        stop.request('over');
      } else if (!stop.signal.aborted) log.warn({ err: error }, 'heartbeat failed');
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
