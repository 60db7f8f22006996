import type { ClusterProfile, ControlFinding, ErrorCode } from '@codex-k8s/domain';

/** Where agents run. Two implementations: Kubernetes, and `local` for the trial (docs/adr). */
export interface AgentRuntime extends AsyncDisposable {
  /** Ends what is left of older attempts, then starts this one. Repeating it for a started attempt is harmless. */
  launch(spec: LaunchSpec): Promise<void>;
  /** Attempts whose process is alive. */
  listAlive(): Promise<AliveAttempt[]>;
  /** Why an attempt that is no longer alive ended, when the runtime knows more than that it did. */
  explainEnd(attempt: AliveAttempt): Promise<AttemptTrouble | undefined>;
  /** The last lines an attempt has printed where the platform does not see it; none where nothing is left or kept. */
  readTail(attempt: Pick<AliveAttempt, 'runId' | 'attempt'>, options: { readonly lines: number }): Promise<readonly PrintedLine[]>;
  /** Tries the controls around agents; undefined where there are none to try. */
  probeControls(): Promise<readonly ControlFinding[] | undefined>;
  /** Ends every process of the run, within seconds. `gently`: the session is saved first, the run goes on later. */
  stop(runId: string, options?: { readonly gently: boolean }): Promise<void>;
  /** Ends and removes everything the run left behind. */
  clean(runId: string): Promise<void>;
  /** Undefined where full-env runs have no namespace of their own. */
  readonly namespaces: Namespaces | undefined;
}

/** What the runtime says about an attempt by itself, such as that its image is pulled. */
export interface RuntimeEvent {
  readonly runId: string;
  /** The same for each telling of the same event. */
  readonly uid: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Namespaces of full-env runs. */
export interface Namespaces {
  /** For one that is not on record yet. */
  nameFor(run: { readonly projectId: string; readonly issueNumber: number | null; readonly runId: string }): string;
  /** Makes it as it must be, or puts it right. Returns its UID. */
  prepare(namespace: NamespaceSpec): Promise<string>;
  /** `uid` null: it was never on record, so what is there under this name is looked at first. */
  remove(namespace: { readonly name: string; readonly uid: string | null }): Promise<'gone' | 'leaving'>;
}

export interface NamespaceSpec {
  readonly name: string;
  readonly projectId: string;
  readonly runId: string;
  readonly profile: ClusterProfile;
}

export interface LaunchSpec {
  readonly runId: string;
  readonly projectId: string;
  readonly attempt: number;
  readonly correlationId: string;
  /** Bearer token for the control plane, for this attempt only. */
  readonly runToken: string;
  /** Of a full-env run, prepared; undefined: code-only. */
  readonly namespace: string | undefined;
  /** The span that starts it (W3C), while tracing is on. */
  readonly traceparent: string | undefined;
}

export interface AliveAttempt {
  readonly runId: string;
  readonly attempt: number;
  /** Its process has not begun, so it cannot give a sign of life: what it waits for. */
  readonly notStarted?: AttemptTrouble | undefined;
}

export interface PrintedLine {
  readonly at: Date | undefined;
  readonly text: string;
}

export interface AttemptTrouble {
  readonly code: ErrorCode;
  readonly message: string;
}
