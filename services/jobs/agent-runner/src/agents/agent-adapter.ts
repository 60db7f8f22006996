import type { RunSpec, Usage } from '@codex-k8s/contracts/internal';

/** What differs between agent command lines. One file per program; everything else in the runner is the same for all. */
export interface AgentAdapter {
  readonly program: RunSpec['program'];
  /** What to say to an agent that was interrupted and has nothing new to hear; empty when it continues without a word. */
  readonly continueText: string;
  /** Writes the configuration into the home folder and says what to start. */
  prepare(start: AgentStart): Promise<AgentCommand>;
  /** The session's file in this home; without an id the newest one. Undefined: there is none. */
  findSession(home: string, sessionId: string | undefined): Promise<SessionFile | undefined>;
  /** Puts a stored session where the program finds it. Throws when the snapshot is none of its own. */
  restoreSession(home: string, snapshot: string): Promise<SessionFile>;
  /** Reads a session file; half a line at its end is ignored. */
  readSession(text: string): SessionContent;
}

export interface AgentStart {
  readonly home: string;
  readonly workspace: string;
  readonly spec: RunSpec;
  readonly modelBaseUrl: string;
  /** The key itself is in the agent's environment as CODEXK8S_MODEL_API_KEY. */
  readonly hasModelKey: boolean;
  /** Absent: begin a new session. */
  readonly resume: SessionFile | undefined;
}

export interface AgentCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Beyond the environment that every agent gets. */
  readonly env: Readonly<Record<string, string>>;
}

export interface SessionFile {
  readonly id: string;
  readonly path: string;
}

export interface SessionContent {
  /** What was said to the agent, in order. */
  readonly said: readonly string[];
  /** The last turn came to its end. */
  readonly isTurnComplete: boolean;
  /** Tokens of the whole session as far as recorded. */
  readonly usage: Omit<Usage, 'model'> | undefined;
}

/** The objects of a JSON lines text; lines that are none are left out. */
export function jsonLines(text: string): Readonly<Record<string, unknown>>[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null ? [{ ...value }] : [];
    } catch {
      return [];
    }
  });
}
