import type { ControlFinding, ErrorCode } from '@codex-k8s/domain';

/** Where agents run. Two implementations: Kubernetes, and `local` for the trial (docs/adr). */
export interface AgentRuntime extends AsyncDisposable {
  /** Ends what is left of older attempts, then starts this one. Repeating it for a started attempt is harmless. */
  launch(spec: LaunchSpec): Promise<void>;
  /** Attempts whose process is alive. */
  listAlive(): Promise<AliveAttempt[]>;
  /** Why an attempt that is no longer alive ended, when the runtime knows more than that it did. */
  explainEnd(attempt: AliveAttempt): Promise<AttemptTrouble | undefined>;
  /** Tries the controls around agents; undefined where there are none to try. */
  probeControls(): Promise<readonly ControlFinding[] | undefined>;
  /** Ends every process of the run, within seconds. `gently`: the session is saved first, the run goes on later. */
  stop(runId: string, options?: { readonly gently: boolean }): Promise<void>;
  /** Ends and removes everything the run left behind. */
  clean(runId: string): Promise<void>;
}

export interface LaunchSpec {
  readonly runId: string;
  readonly projectId: string;
  readonly attempt: number;
  readonly correlationId: string;
  /** Bearer token for the control plane, for this attempt only. */
  readonly runToken: string;
  /** The span that starts it (W3C), while tracing is on. */
  readonly traceparent: string | undefined;
}

export interface AliveAttempt {
  readonly runId: string;
  readonly attempt: number;
  /** Its process has not begun, so it cannot give a sign of life: what it waits for, and since when. */
  readonly notStarted?: (AttemptTrouble & { readonly since: Date }) | undefined;
}

export interface AttemptTrouble {
  readonly code: ErrorCode;
  readonly message: string;
}
