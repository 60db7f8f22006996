import type { RunSpec } from '@codex-k8s/contracts/internal';
import type { SessionContent } from './agents/agent-adapter.ts';

/**
 * What is said to the agent in this attempt, decided from what its session already holds, never from a counter: the prompt is said once in
 * a session, and an agent whose workspace is gone is told so (design, promise 2).
 */
export interface TurnPlan {
  /** False: the turn is over already; there is only its result to deliver. */
  readonly isNeeded: boolean;
  readonly resumesSession: boolean;
  readonly say: string;
  readonly outcome: ResumeOutcome;
}

/** `resumed`: the same session goes on. `rebuilt`: it goes on in a new workspace. `lost`: there was one, and it could not be used. */
export type ResumeOutcome = 'fresh' | 'resumed' | 'rebuilt' | 'lost';

export interface TurnPlanInput {
  readonly spec: Pick<RunSpec, 'kind' | 'prompt' | 'target_branch'>;
  /** Undefined: no session that can be used. */
  readonly session: SessionContent | undefined;
  /** The platform or the disk says that there was a session. */
  readonly hadSession: boolean;
  readonly isWorkspaceReused: boolean;
  readonly headSha: string;
  readonly continueText: string;
  /** Makes texts comparable: stored sessions are redacted. */
  readonly normalise: (text: string) => string;
}

export function planTurn({ spec, session, hadSession, isWorkspaceReused, headSha, continueText, normalise }: TurnPlanInput): TurnPlan {
  const { prompt } = spec;
  if (!session) return { isNeeded: true, resumesSession: false, say: prompt, outcome: hadSession ? 'lost' : 'fresh' };

  const said = session.said.map((text) => normalise(text).trim());
  const promptAt = said.findLastIndex((text) => text.startsWith(normalise(prompt).trim()));
  if (promptAt < 0) return { isNeeded: true, resumesSession: true, say: prompt, outcome: 'resumed' };
  const isWorkLost = !isWorkspaceReused && spec.kind !== 'review';
  if (isWorkLost) return { isNeeded: true, resumesSession: true, say: rebuiltNote(spec.target_branch, headSha), outcome: 'rebuilt' };
  return { isNeeded: !session.isTurnComplete, resumesSession: true, say: continueText, outcome: 'resumed' };
}

function rebuiltNote(branch: string, headSha: string): string {
  return `Workspace: rebuilt
The process that worked on this task was lost. The working directory was made anew from branch ${branch} at ${headSha.slice(0, 12)}; work that was not pushed is gone. Check git status and git log, and do again what is missing.`;
}
