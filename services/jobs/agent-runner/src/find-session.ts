import { readFile } from 'node:fs/promises';
import type { RunSpec } from '@codex-k8s/contracts/internal';
import type { Logger } from '@codex-k8s/runtime';
import type { AgentAdapter, SessionContent, SessionFile } from './agents/agent-adapter.ts';
import type { RunnerState, RunFolder } from './run-folder.ts';

export interface FoundSession {
  /** Undefined: none that can be used. */
  readonly file: SessionFile | undefined;
  readonly content: SessionContent | undefined;
  /** There was one, usable or not. */
  readonly had: boolean;
}

/**
 * The session to go on with: the one on this disk when it is at least as far as the platform's snapshot (an attempt that was killed here
 * wrote more than it could send), else the snapshot.
 */
export async function findSession(
  adapter: AgentAdapter,
  folder: RunFolder,
  spec: RunSpec,
  state: RunnerState | undefined,
  log: Logger,
): Promise<FoundSession> {
  const stored = spec.session;
  const local = state?.runId === spec.run_id ? await adapter.findSession(folder.home, state.sessionId) : undefined;
  const localText = local && (await readFile(local.path, 'utf8').catch(() => undefined));
  const had =
    local !== undefined || state?.sessionId !== undefined || (stored !== undefined && (stored.turns > 0 || stored.snapshot !== undefined));
  if (local && localText !== undefined && isNewer(local, localText, spec))
    return { file: local, content: adapter.readSession(localText), had };
  if (stored?.snapshot === undefined || stored.snapshot === '') return { file: undefined, content: undefined, had };
  try {
    const file = await adapter.restoreSession(folder.home, stored.snapshot);
    return { file, content: adapter.readSession(stored.snapshot), had };
  } catch (error) {
    log.warn({ err: error }, 'the stored session cannot be used');
    return { file: undefined, content: undefined, had };
  }
}

function isNewer({ id }: SessionFile, text: string, { session, run_id }: RunSpec): boolean {
  if (session?.snapshot === undefined || session.run_id !== run_id) return true;
  if (session.session_id !== undefined && session.session_id !== id) return false;
  return text.split('\n').length >= session.snapshot.split('\n').length;
}
