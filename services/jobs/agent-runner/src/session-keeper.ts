import { readFile } from 'node:fs/promises';
import type { RunSpec, Usage } from '@codex-k8s/contracts/internal';
import type { Redactor } from '@codex-k8s/domain';
import type { Logger } from '@codex-k8s/runtime';
import type { AgentAdapter, SessionFile } from './agents/agent-adapter.ts';
import { AttemptOver, type ControlPlane } from './control-plane.ts';
import type { ResumeOutcome } from './turn-plan.ts';

/** Sends the agent's session to the platform, redacted, so that any worker can resume it (FR-036, NFR-013). */
export interface SessionKeeper {
  /** Saves soon; many calls during one save become one more save. Never throws. */
  save(): void;
  /** Saves now what was not saved yet and waits. Never throws. */
  saveLast(): Promise<void>;
  /** The tokens of the whole session as last read. */
  readonly usage: Usage | undefined;
  [Symbol.dispose](): void;
}

export interface SessionKeeperOptions {
  readonly adapter: AgentAdapter;
  readonly controlPlane: ControlPlane;
  readonly redactor: Redactor;
  readonly log: Logger;
  readonly spec: RunSpec;
  readonly outcome: ResumeOutcome;
  readonly everyMs: number;
  /** Undefined: not there yet. */
  readonly session: () => Promise<SessionFile | undefined>;
  readonly onAttemptOver: (error: AttemptOver) => void;
}

const largestSnapshot = 64 * 1024 * 1024;

export function keepSession(options: SessionKeeperOptions): SessionKeeper {
  const { adapter, controlPlane, redactor, log, spec, outcome, everyMs, session, onAttemptOver } = options;
  let usage: Usage | undefined;
  let lastSnapshot: string | undefined;
  let saved: Readonly<Record<string, unknown>> | undefined;
  let isAnnounced = false;
  let running: Promise<void> | undefined;
  let isAsked = false;

  async function saveOnce(): Promise<void> {
    const file = await session();
    const text = file && (await readFile(file.path, 'utf8').catch(() => undefined));
    if (!file || text === undefined) return;
    const content = adapter.readSession(text);
    usage = content.usage && { model: spec.model, ...content.usage };
    const whole = redactor.redact(text.slice(0, text.lastIndexOf('\n') + 1));
    if (whole === lastSnapshot || whole === '') return;
    if (whole.length > largestSnapshot) {
      log.warn({ bytes: whole.length }, 'the session is too large to be stored');
      return;
    }
    await controlPlane.saveSession({
      program: adapter.program,
      session_id: file.id,
      turns: content.said.length,
      snapshot: whole,
      resume_outcome: outcome,
      ...(usage && { usage }),
    });
    lastSnapshot = whole;
    saved = { session_id: file.id, turns: content.said.length, bytes: whole.length };
    // One event at the beginning and one at the end; the saves between are no news.
    if (!isAnnounced) await controlPlane.event('run.agent.session.saved', saved, 'run.agent.session.saved:first');
    isAnnounced = true;
  }

  async function guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof AttemptOver) onAttemptOver(error);
      else log.warn({ err: error }, 'the session could not be saved');
    }
  }

  async function drain(): Promise<void> {
    while (isAsked) {
      isAsked = false;
      await guarded(saveOnce);
    }
    running = undefined;
  }

  function save(): void {
    isAsked = true;
    running ??= drain();
  }

  const timer = setInterval(save, everyMs);
  return {
    save,
    saveLast: async () => {
      clearInterval(timer);
      save();
      await running;
      const last = saved;
      if (last) await guarded(() => controlPlane.event('run.agent.session.saved', last, 'run.agent.session.saved:last'));
    },
    get usage() {
      return usage;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
